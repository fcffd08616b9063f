"""What runs: the road of an event, from Kafka to a listener's list and back.

Read the rooms in this order; each is a package, and its `__init__` says how to read it.

    agents         the two loops: `sequence` and `recommend`
    kafka          batch transport (chunks for Faust), backpressure, producers, readers, retries
    sequencing     listening-events -> learning-log: validation, batching, circuit breaker; pure
    folding        learning-log -> state: coverage, deduplication, rewards; pure
    generation     which model and which configuration a state belongs to
    snapshots      state <-> disk (checkpoints)
    lists          state -> lists; the store of lists and its publish frontier
    publishing     lists -> Redis and the topic `recommendations`, in one sequence (transactions)
    ownership      who may publish: takeover (failover), fencing, resharding
    lifecycle      which generation serves whom: journal, roles, pointer, retirement
    heartbeats     how far each fold has read the log; sequencers follow them
    registry       a schema registry, where producers have one
    tracks         names of tracks, for people
    people         who may use the HTTP interface: people and their tokens
    dead_letters   poison messages: listed, and resent
    sources        history files and generated listeners, without Kafka
    producers      what sends listening events
    monitoring     status, lag, drift alarms, live view
    evaluation     models compared on the same events
    verifying      replay and audit: every promise checked against the logs
    doctor         health checks: what is wrong, and what to do about it
    workers        settings in, running workers out
    archive        backup and restore: the log and the journal, to files and back
    cli            one file a command

A room imports only rooms below it; `pyproject.toml` has the layers, and `make check` enforces them.
`docs/architecture.md` follows one event through all of this, and has a glossary.
"""
