"""State to disk and back.

`state_keeper` decides when to write, and ties a state to its log. `snapshot_format` is the file,
`snapshot_folder` the files that are kept, `loading` takes the newest one that belongs to this log,
`adoption` those of another number of shards. `array_room` prepares memory for the copy, so that the
event loop is blocked for as short as possible.
"""
