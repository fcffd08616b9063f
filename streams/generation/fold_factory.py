"""Settings become the fold of a generation: its model, its baseline, and the hashes that name both.

Two folds of equal `configuration_of` are equal at every place in the log; two stores of equal
`lists_made_by` hold equal lists there. Snapshots and frontiers keep these hashes, so a change of
either function makes recommenders fold and publish everything again.
"""

import orjson
import xxhash

from online_models.base import Ranker
from online_models.registry import build
from streams.folding.fold import Fold
from streams.folding.fold_state import FOLD_VERSION
from streams.generation.model_choice import built, config_of
from streams.lists.list_shape import shape_of
from streams.settings import Settings

BASELINE = {"model": "popularity"}
"""The model beside which every generation's hit rate is shown."""


def new_fold(settings: Settings) -> Fold:
    """An empty state of the configured generation; raises `SettingsError` for a wrong model."""
    return Fold(_model(settings), build(BASELINE), duplicate_window=settings.duplicate_window)


def configuration_of(settings: Settings) -> str:
    """Hash of everything a state depends on beside the log and the fold's own version.

    A model's identity spells out its whole configuration, wherever each part of it was told.
    """
    identities = [each.identity() for each in (_model(settings), build(BASELINE))]
    return xxhash.xxh3_64_hexdigest(orjson.dumps([identities, settings.duplicate_window]))


def lists_made_by(settings: Settings) -> str:
    """Hash of everything that the lists of one place in the log depend on."""
    made_by = [FOLD_VERSION, configuration_of(settings), shape_of(settings)]
    return xxhash.xxh3_64_hexdigest(orjson.dumps(made_by))


def _model(settings: Settings) -> Ranker:
    return built(config_of(settings.model), "ECHOTUNE_MODEL")
