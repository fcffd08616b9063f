"""What surrounds EchoTune: embedded servers, the home folder, free ports, creation of topics.

It knows `topics` and nothing of what runs; `streams.cli` and `streams.workers` use it.
"""
