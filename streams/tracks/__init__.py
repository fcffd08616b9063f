"""Names of tracks, for display only; the state never needs them.

`track_metadata` extracts what events state about tracks, and `catalogue_feed` writes it, off the
hot path. `track_catalogue` is the interface, which `mongo_track_catalogue` and
`memory_track_catalogue` implement; `remembered_tracks` reads either through memory.
`track_names` looks up the names of a list's tracks.
"""
