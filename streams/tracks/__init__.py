"""Names of tracks, for people; the state never needs them.

`track_metadata` is what an event states about a track, `catalogue_feed` writes it off the hot path.
`track_catalogue` is the interface, `mongo_track_catalogue` (with `mongo_indexes`) and
`memory_track_catalogue` implement it. `track_names` looks names up for a list. This is the only
room that imports MongoDB's drivers.
"""
