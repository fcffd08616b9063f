"""The blend: experts generate candidates, and weights learnt online rank them.

The model is a two-stage recommender. For one listener, `scoring` loads what the listener played,
lets every expert propose candidates and compute their features, and sums a linear score with
weights that depend on the situation. `ranking` then selects the best candidates (top-k
selection), adds corrections from bucket tables, and sorts them. After a play, `weight_updates`
takes a gradient step on the weights, and `learning` lets every expert count the play.

Read in this order: `candidates`, `experts`, `listener`; then `bucket_tables`, `learned_weights`,
`scoring`, `ranking`, `weight_updates`, `learning`; then `records` (all arrays of the model),
`entry_points` (the compiled functions that Python calls), `frozen` (evaluation without learning),
`blend_config` (parameters) and `blend_ranker` (`BlendRanker`, the class).

A module here may import the ones before it in the layers of pyproject.toml, never a model above.
"""
