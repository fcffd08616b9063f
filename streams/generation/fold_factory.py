"""Makes the fold of a generation from settings, and the hashes that identify its configuration.

Two folds with equal `configuration_of` are equal at every log offset; two stores with equal
`lists_made_by` hold equal lists there. Snapshots and frontiers contain these hashes, so a change of
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
"""The baseline model, whose hit rate is shown next to that of every generation."""


def new_fold(settings: Settings) -> Fold:
    """An empty state of the configured generation; raises `SettingsError` for a wrong model."""
    return Fold(_model(settings), build(BASELINE), duplicate_window=settings.duplicate_window)


def configuration_of(settings: Settings) -> str:
    """Hash of everything that a state depends on, except the log and `FOLD_VERSION`.

    A model's identity contains its whole configuration, regardless of where each part was set.
    """
    identities = [each.identity() for each in (_model(settings), build(BASELINE))]
    return xxhash.xxh3_64_hexdigest(orjson.dumps([identities, settings.duplicate_window]))


def lists_made_by(settings: Settings) -> str:
    """Hash of everything that the lists as of one log offset depend on, except the log.

    The generation's name belongs to it, because two generations with equal settings number their
    publications independently.
    """
    made_by = [settings.generation, FOLD_VERSION, configuration_of(settings), shape_of(settings)]
    return xxhash.xxh3_64_hexdigest(orjson.dumps(made_by))


def _model(settings: Settings) -> Ranker:
    return built(config_of(settings.model), "ECHOTUNE_MODEL")
