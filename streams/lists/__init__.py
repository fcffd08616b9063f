"""State to lists, and the store that readers find them in.

`list_maker` ranks listeners as of one log record, `list_shape` limits what a list may hold.
`list_store` is the interface of the store; `redis_lists` implements it in Redis with a Lua script,
`memory_lists` in memory, and both pass `tests/contract/test_list_store.py`. `frontier` is the
publish frontier: up to which log position and sequence number a store has all lists.
"""
