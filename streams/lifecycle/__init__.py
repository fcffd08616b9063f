"""The lifecycle of generations: which ones exist, what their recommenders do, and which one serves.

The journal `model-lifecycle` is the only truth. `lifecycle` folds its records into generations and
the plan, and decides which records are valid: it is pure. `journal` reads the topic, and appends to
it with compare-and-set by order. `generation_record` makes the record of a generation from
settings, and settings of it; `first_start` writes the first records of an installation.
`pointer` writes the plan to Redis, where readers of lists find it; `roles` is what a recommender
does because of all this, and `known_generations` is what sequencers know of it.

`promotion_gate` says whether a generation may serve, and `autopilot` what is next for one that is
armed. `overview` reads statuses, `catching_up` waits for them, and `starting` judges memory.
`replaying` and `retirement` are the two long operations, and `voiding` declares records void.
"""
