"""The registry of models: builds a model from a configuration.

A configuration is a mapping with "model", a name in `MODELS`, and that model's parameters.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import xxhash

from online_models.base import Ranker
from online_models.blend.blend_ranker import BlendRanker
from online_models.errors import ModelError
from online_models.presets import (
    Best,
    CoOccurrence,
    Fast,
    LastTransition,
    OwnRecent,
    PopularityRanker,
)
from online_models.river_ranker import RiverRanker

MODELS: dict[str, Callable[..., Ranker]] = {
    "best": Best,
    "blend": BlendRanker,
    "co_occurrence": CoOccurrence,
    "fast": Fast,
    "last_transition": LastTransition,
    "own_recent": OwnRecent,
    "popularity": PopularityRanker,
    "river": RiverRanker,
}
"""Every model by name; the contract tests run on each of them."""


def build(config: Mapping[str, Any]) -> Ranker:
    """Builds a new model; raises `ModelError` for an unknown model or parameter.

    Also raises it for tables that do not fit into memory.

    >>> build({"model": "blend", "preset": "best", "without": ["artists"]}).model_name
    'blend'
    """
    params = dict(config)
    name = params.pop("model", None)
    if not isinstance(name, str) or name not in MODELS:
        raise ModelError(f"There is no model {name!r}.", f"Models are: {', '.join(MODELS)}.")
    try:
        return MODELS[name](**params)
    except TypeError as error:
        raise ModelError(
            f"Model {name!r} cannot be built with {params}: {error}.",
            "Leave out or rename the parameter.",
        ) from error
    except MemoryError as error:
        raise ModelError(
            f"Model {name!r} with {params} needs more memory than there is: {error}.",
            "Make its tables smaller (parameter `grams`), or give it more memory.",
        ) from error


def config_hash(config: Mapping[str, Any]) -> str:
    """A hash of a configuration, 16 hex digits; it does not depend on the order of keys."""
    written = json.dumps(dict(config), sort_keys=True, separators=(",", ":"))
    return xxhash.xxh3_64_hexdigest(written.encode())
