"""What people see of a running system.

`worker_status` is the one home of the status keys in Redis, `status` puts all of them together for
`echotune status`, `observer` follows them for the live view. `drift_alarms` publishes alarms to
`model-metrics`, `list_reader` reads a list with its reasons, `latest_play` notes what was played
last.
"""
