"""Generated listeners (the "town"): tastes, habits, sessions, and music that does not exist.

`simulator` generates the events of any day. `music` and `names` make the catalogue; `tastes`,
`sessions`, `track_chooser` and `play_maker` simulate the listeners' behaviour. `chance` draws
random numbers that depend only on the seed, in every process.
"""
