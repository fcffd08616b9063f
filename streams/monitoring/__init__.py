"""Status, live view and alarms of a running system, for operators and users.

`worker_status` is the only module that knows the status keys in Redis. `status` combines them for
`echotune status`, and `observer` polls them for the live view. `drift_alarms` publishes alarms to
`model-metrics`, `list_reader` reads a list with its reasons, `latest_play` notes the newest play.
`masked_plays` lists plays that do not count, and `replay_rate` is an operator's limit of a replay.
"""
