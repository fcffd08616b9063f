"""From `listening-events` to `learning-log`: what the sequencer decides.

In the order of a chunk: `start_positions` (where a partition is read from), `acceptance` (which
records are valid), `dead_letter` (what becomes of the others), `batching` (rows in columns, with
the source offsets that they cover), `pipeline` (when a chunk may be acknowledged). Beside it:
`circuit_breaker` and `held_partitions` (partitions that wait, and their backlogs), `lost_rows` (the
log lost what it had acknowledged), `source_watch` (the topic was recreated), `control_writer`.

Decisions are pure: time and server answers are arguments. `agents.sequence` carries them out.
"""
