"""`echotune doctor`: what is wrong, and what to do about it.

`probes` ask all servers in parallel within one time limit, `collect` gathers their answers as
`facts`, and each of `checks` judges the facts alone (pure) and gives `findings`: ok, warning or
broken.
"""
