"""Publishes lists to Redis and to the topic `recommendations`, in one sequence of publications.

Read three pure modules first: `gate` (the log position from which lists may be published),
`publication_sequence` (sequence numbers, and what a store at an earlier number is missing) and
`publication_plan` (the state machine). `publisher` carries the plan out. `list_writer` writes to
Redis. `topic_writer` writes to the topic: it buffers lists (`gathered_lists`) and commits them in
transactions (`topic_transactions`). `removals` reads the ids of erased listeners from the log,
`topic_frontier` reads the topic's publish frontier, `topic_listeners` reads whose lists the topic
has, and `freshness` measures latency. A generation without the topic has `redis_alone` in place of
a topic writer. The frontier
itself is `lists.frontier`, and the store with its Lua compare-and-set is `lists.redis_lists`.

The reasons are in `docs/decisions/0012-one-sequence-of-publications.md`.
"""
