"""A generated town: listeners with tastes, habits and sessions, and music that does not exist.

`simulator` gives events of any day; `music` and `names` make the catalogue, `tastes`, `sessions`,
`track_chooser` and `play_maker` the listeners' behaviour. `chance` gives the same numbers for the
same seed in every process.
"""
