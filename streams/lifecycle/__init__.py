"""The lifecycle of generations: which ones exist, what their recommenders do, and which one serves.

The journal `model-lifecycle` is the only truth. `lifecycle` folds its records into generations and
the plan, and decides which records are valid: it is pure. `journal` reads the topic, and appends to
it with compare-and-set by order. `first_start` writes the first records of an installation.
`pointer` writes the plan to Redis, where readers of lists find it; `roles` is what a recommender
does because of all this.
"""
