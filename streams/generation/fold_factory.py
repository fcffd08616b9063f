"""Makes the fold of a generation from settings, and the hashes that identify its configuration.

Two folds with equal `configuration_of` are equal at every log offset; two stores with equal
`lists_made_by` hold equal lists there. Snapshots and frontiers contain these hashes, so a change of
either function makes recommenders fold and publish everything again.
"""

from typing import Any

import orjson
import xxhash

from online_models.registry import build
from streams.folding.fold import Fold
from streams.folding.fold_state import FOLD_VERSION
from streams.generation.model_choice import built, built_here, config_of
from streams.lists.list_shape import shape_of
from streams.settings import Settings

BASELINE = {"model": "popularity"}
"""The baseline model, whose hit rate is shown next to that of every generation."""
_NAMED_BY = "ECHOTUNE_MODEL"


def new_fold(settings: Settings) -> Fold:
    """An empty state of the configured generation.

    Raises `SettingsError` for a wrong model, and for one that this machine cannot hold.
    """
    return Fold(
        built_here(config_of(settings.model), _NAMED_BY),
        build(BASELINE),
        duplicate_window=settings.duplicate_window,
        learn_from=settings.learn_from,
    )


def configuration_of(settings: Settings) -> str:
    """Hash of everything that a state depends on, except the log and `FOLD_VERSION`.

    A model's identity contains its whole configuration, regardless of where each part was set. A
    generation that learns the whole log has the hash that it had before there were others.
    """
    model = built(config_of(settings.model), _NAMED_BY)
    identities = [each.identity() for each in (model, build(BASELINE))]
    parts: list[Any] = [identities, settings.duplicate_window]
    if part := part_of_log(settings):
        parts.append(part)
    return xxhash.xxh3_64_hexdigest(orjson.dumps(parts))


def part_of_log(settings: Settings) -> dict[str, int]:
    """Which part of the log a generation learns, by the names of the settings; empty for all.

    >>> part_of_log(Settings(learn_from=0)), part_of_log(Settings(learn_from=7))
    ({}, {'learn_from': 7})
    """
    ends = {} if settings.learn_until is None else {"learn_until": settings.learn_until}
    return ({"learn_from": settings.learn_from} if settings.learn_from else {}) | ends


def lists_made_by(settings: Settings) -> str:
    """Hash of everything that the lists as of one log offset depend on, except the log.

    The generation's name belongs to it, because two generations with equal settings number their
    publications independently.
    """
    made_by = [settings.generation, FOLD_VERSION, configuration_of(settings), shape_of(settings)]
    return xxhash.xxh3_64_hexdigest(orjson.dumps(made_by))
