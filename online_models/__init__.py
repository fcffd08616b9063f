"""Online recommender models: they learn from every event, and there is no training run.

What it is for
--------------
A `Ranker` (`base.py`) answers one question: which items will this user play next? It is updated
with every event, in the order of the event stream (incremental, or streaming, learning). Each
event is a test before it is training data: the model first ranks the item that was played, and
then learns from it (prequential, or test-then-learn, evaluation).

The package is pure. It knows users, items and groups (listeners, tracks and artists), but no
event, no topic, no clock and no I/O. Equal events in equal order give an equal state, to the last
bit, on every machine and in any split into batches.

    >>> from online_models.registry import build
    >>> model = build({"model": "best"})
    >>> for item in ["so what", "blue in green", "so what"]:
    ...     model.learn_one("miles", item)
    >>> model.recommend("miles", k=1)[0].item
    'blue in green'

How to read it
--------------
1. `base`: `Ranker`, the interface of every model: River's for single events (`learn_one`,
   `recommend`), and one for columns of events (`Columns`, `learn_many`).
2. `presets` and `registry`: the models that can be chosen by name. `best` and `fast` are the
   blend; `popularity`, `own_recent`, `co_occurrence` and `last_transition` are its baselines;
   `river` hosts a ranker of River (`river_ranker`, with what `river_modules` imports of it).
3. `blend`: the model itself, a two-stage recommender. Experts generate candidates and compute
   their features; a linear model with bucket tables, learnt online, ranks the candidates.
4. `evaluation`: hit rate, reciprocal rank, confidence intervals, drift detection, and the
   comparison of several models on the same events.
5. `column_ranker`, `vocabulary`, `model_file`, `content_digest`: the state of a model in arrays,
   ids and their codes, configurations as TOML, and digests.
6. `kernels`: compiled arithmetic and data structures that give the same bits everywhere.

What may be imported
--------------------
Other packages import `base`, `registry`, `model_file`, `evaluation`, `vocabulary` and `errors`.
Inside this package import-linter enforces the layers: the blend imports its experts, experts
import `listener` and `candidates`, and these import `kernels`. Nothing here imports `streams`,
`topics` or `infra`. To import this package alone loads no model, so that it is quick.
`docs/model.md` describes the ranking in prose; decisions 7, 8 and 10 give the measurements.
"""

__all__ = [
    "base",
    "blend",
    "column_ranker",
    "content_digest",
    "errors",
    "evaluation",
    "kernels",
    "model_file",
    "presets",
    "registry",
    "river_ranker",
    "vocabulary",
]
