"""The two Faust agents: loops that take chunks, ask the rooms below, and carry out the answers.

`sequence.Sequencer` turns listening events into batches of the log. `recommend.Recommender` folds
the log and publishes the lists that changed. Both run on one event loop with a concurrency of 1,
acknowledge a chunk by hand, and let an error that is not understood stop the worker before
anything more is acknowledged.

Agents may import every room that decides or talks to a server; only `workers` and `cli` import
them.
"""
