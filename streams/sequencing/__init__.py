"""From `listening-events` to `learning-log`: the sequencer's decisions.

A chunk passes `start_positions` (first offset to read), `validation` (which records are valid),
`letter_format` (the message that keeps an invalid record), `batching` (rows in columns, with the
source offsets that they cover) and `pipeline` (when a chunk may be acknowledged). In addition:
`circuit_breaker` and `held_partitions` (partitions that wait), `chunk_backlogs` (their timers and
tasks), `lost_rows` (the log lost rows that it had acknowledged), `source_watch` (the topic was
recreated), `control_writer` and `letter_writer` (write control records and dead letters).

Decisions are pure: the time and the servers' responses are arguments. `chunk_backlogs`,
`control_writer`, `letter_writer` and `start_positions` do I/O. `agents.sequence` acts on the
decisions.
"""
