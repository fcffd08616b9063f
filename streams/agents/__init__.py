"""The two Faust agents: loops that take chunks, call the packages below, and act on the results.

`sequence.Sequencer` turns listening events into batches of the log. `recommend.Recommender` folds
the log and publishes the lists that changed. Both run on one event loop with a concurrency of 1,
acknowledge each chunk explicitly, and let an unexpected error stop the worker before anything
more is acknowledged.

Agents may import every package that decides or does I/O with a server. Only `workers` and `cli`
import agents.
"""
