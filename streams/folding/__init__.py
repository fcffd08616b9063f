"""From `learning-log` to state: a pure function.

`state_n = fold(state_0, log[0..n])`, with no clock, no I/O, no settings and no order that Python
may change; so live and replay have the same digest. In the order of a row: `coverage` (is it new?),
`erasures` (was its listener erased?), `duplicate_window` (was it learnt before?), `rewards` (what
does it teach?); `fold` does all of it, test-then-learn, over `batch_rows`. `fold_state` is the
state with its digest, `listener_changes` what the publisher asks of it, `log_position` where it is
in the log. `log_account` counts the same rows independently, for `echotune verify --deep`.

Raise `FOLD_VERSION` in `fold_state` whenever the same log gives another state.
"""
