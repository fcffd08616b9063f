"""What sends listening events: one event, a history, or the generated town.

`event_producer` is the idempotent Kafka producer behind `echotune send`. `history_import` sends
files, and `import_ledger` remembers what the broker acknowledged, so that an interrupted import
continues. `simulated_feed` plays the town at a given rate.
"""
