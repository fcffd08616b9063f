"""From `learning-log` to state: low watermark, erasure, deduplication, rewards. A pure function.

`state_n = fold(state_0, log[0..n])`, without clock, I/O, settings, or any order that Python may
change. Live state and replay therefore have the same digest. A row passes `coverage` (is it new?),
`erasures` (was its listener erased?), `deduplication_window` (was it learnt before?) and `rewards`
(event to reward). `fold` runs these steps, test-then-learn, over `batch_rows`. `fold_state` is the
state and its digest (`state_copy` copies it for a snapshot), `listener_changes` lists changed
listeners for the publisher, and `log_position` is a position of the log. The window compares
`row_entries` in compiled `window_kernels`; `masked_plays` counts what it masks. `row_verdicts`
folds without a model, for the history of listens, and `judging` does so for an export.
`log_account` counts the same rows independently, for `echotune verify --deep`.

Raise `FOLD_VERSION` in `fold_state` whenever the same log gives a different state.
"""
