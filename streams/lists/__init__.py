"""State to lists, and the store that readers find them in.

`list_maker` ranks listeners as of one log record. `list_shape` limits the tracks of one artist.
`list_store` is the interface of the store. `redis_lists` implements it in Redis with a Lua script
and `memory_lists` in memory; both pass `tests/contract/test_list_store.py`. `frontier` is the
publish frontier: the log position and sequence number up to which a store has all lists.
`serving_plan` decides which generation serves a listener, and `served_lists` reads that one's list.
`reasons` says why a track is on a list.
"""
