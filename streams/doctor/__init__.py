"""`echotune doctor`: what is wrong, and what to do about it.

`probes` ask all servers in parallel within one time limit, and `collect` collects their answers
as `facts`. Each of `checks` is a pure function of the facts and returns `findings`: ok, warning or
broken.
"""
