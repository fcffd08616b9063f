"""What each person has listened to: a read model (projection) of the learning-log in MongoDB.

People and their players ask for listens by time, newest first, which no log can answer. So
`ListenProjector` (`listen_projector.py`) follows the log with the same coverage, erasures and
deduplication window as the fold, but without a model (`folding/row_verdicts.py`), and writes what
counts through `ListenHistory` (`listen_history.py`). A `Projection` (`projection.py`) goes on from
the position that is kept there, with the verdicts of `KeptVerdicts` (`kept_verdicts.py`): it runs
over the log (`log_run.py`) and takes what changes (`history_changes.py`). People
who are new are read in by a `Backfill` (`backfill.py`) beside it. All of it can be deleted at any
time: the log makes it again. Only people who have an account are in it, because nobody else can
ask; those who were removed are `Departures` (`departures.py`) until nothing is left of them.

Playlists are kept beside it as they were made (`kept_playlists.py`).
"""
