"""What runs: the road of an event, from Kafka to a listener's list and back.

Read the rooms in this order; each is a package, and its `__init__` says how to read it.

    agents         the two loops: `sequence` and `recommend`
    kafka          chunks for Faust, producers, readers, waiting
    sequencing     listening-events -> learning-log: pure decisions
    folding        learning-log -> state: pure, the same bytes everywhere
    generation     which model and which configuration a state belongs to
    snapshots      state <-> disk
    lists          state -> lists; the store of lists and its publish frontier
    publishing     lists -> Redis and the topic `recommendations`, in one sequence
    ownership      who may publish: takeover, fencing, a log that lost its tail
    progress       heartbeats of the folds, which sequencers follow
    registry       a schema registry, where producers have one
    tracks         names of tracks, for people
    dead_letters   records that were refused: listed, and sent again
    sources        history files and generated listeners, without Kafka
    producers      what sends listening events
    monitoring     status, alarms, live view
    evaluation     models compared on the same events
    verifying      every promise checked against the logs
    doctor         what is wrong, and what to do about it
    workers        settings in, running workers out
    cli            one file a command

A room imports only rooms below it; `pyproject.toml` has the layers, and `make check` enforces them.
`docs/architecture.md` follows one event through all of this, and has a glossary.
"""
