"""Producers of listening events: a single event, a history, or the generated listeners.

`event_producer` is the idempotent Kafka producer behind `echotune send`. `history_import` imports
files (a backfill), and `import_ledger` stores which events the broker has acknowledged, so that an
interrupted import continues; it sends at the `import_pace` of what is learnt (`import_window`).
`acknowledged_producer` produces for a service whose callers wait for the broker. `simulated_feed`
sends generated listeners' events at a given rate.
"""
