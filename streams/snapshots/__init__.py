"""Writes snapshots (checkpoints) of the state to disk, and loads them.

`state_keeper` decides when to write, and checks that a state belongs to its log. `snapshot_format`
is the file format, `snapshot_folder` holds the files that are kept. `loading` loads the newest
snapshot that fits, `adoption` copies those of another number of shards. `array_buffers`
preallocates memory for the copy, so that it blocks the event loop as briefly as possible.
"""
