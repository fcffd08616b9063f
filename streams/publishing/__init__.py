"""Lists to Redis and to the topic `recommendations`, in one sequence of publications.

Read `gate` (from where on lists may be published), `publication_sequence` (numbers, and what a
store at an earlier number is missing) and `publication_plan` (the state machine) first: they are
pure. `publisher` carries the plan out, with `list_writer` for Redis and `topic_writer` for the
topic, which gathers lists (`gathered_lists`) and commits them in transactions
(`topic_transactions`). `removals` reads from the log who was erased, `topic_frontier` how far the
topic is, `freshness` measures.

`docs/decisions/0012-one-sequence-of-publications.md` says why.
"""
