"""Who meets whom: the model in question, what it is compared with, and when learning stops."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

import numpy as np

from online_models.base import Columns, Ranker
from online_models.evaluation.contest import Contest
from streams.generation.model_choice import built, config_of
from topics.errors import SettingsError

BASELINES = ("popularity", "own_recent", "last_transition")
"""What every model is measured against unless something else is asked for."""
NO_BASELINES = "none"
CONTESTANTS_MAX = 32
_EPOCH_FROM = 1_000_000_000
"""A whole number from here on is a time in seconds, below it a number of events."""
_EPOCH_MS_FROM = 100_000_000_000


@dataclass(frozen=True)
class Freeze:
    """When learning stops: after so many events, or after a time (ms); never if both are None."""

    rows: int | None = None
    after_ms: int | None = None


def freeze_of(told: str | None) -> Freeze:
    """What `--freeze-after` says.

    >>> freeze_of("5000"), freeze_of("2015-01-01").after_ms
    (Freeze(rows=5000, after_ms=None), 1420070400000)
    """
    if told is None:
        return Freeze()
    if told.isascii() and told.isdigit():
        number = int(told)
        if number < _EPOCH_FROM:
            return Freeze(rows=number)
        return Freeze(after_ms=number if number >= _EPOCH_MS_FROM else number * 1_000)
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        raise SettingsError(
            f"--freeze-after {told!r} is neither a number of events nor a time.",
            "Write 250000, or 2015-01-01, or 2015-01-01T12:00:00Z.",
        ) from None
    return Freeze(after_ms=round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000))


@dataclass(frozen=True)
class Question:
    """What is to be evaluated; models as `model_choice.config_of` takes them."""

    config: dict[str, Any]
    name: str
    baselines: Sequence[str] = BASELINES
    compared: Sequence[str] = ()
    freeze: Freeze = field(default_factory=Freeze)
    ks: Sequence[int] = (20,)
    min_history: int = 5

    @property
    def others(self) -> list[str]:
        """The baselines that are not compared anyway, then what is compared."""
        return [*self.only_baselines, *dict.fromkeys(self.compared)]

    @property
    def only_baselines(self) -> list[str]:
        """The baselines that are not compared anyway."""
        return [each for each in dict.fromkeys(self.baselines) if each not in self.compared]


def contest_of(question: Question) -> Contest:
    """A contest of new models; compiles what they need first."""
    rankers = {question.name: built(question.config, "--preset or --config")}
    for told in question.others:
        rankers[_free(name_of(told), rankers)] = built(config_of(told), f"{told!r}")
    if len(rankers) > CONTESTANTS_MAX:
        raise SettingsError(f"{len(rankers)} models are too many.", f"{CONTESTANTS_MAX} can run.")
    for ranker in rankers.values():
        _warm_up(ranker.clone())
    return Contest(
        rankers, frozen_from_row=question.freeze.rows, frozen_after_ms=question.freeze.after_ms
    )


def wanted_baselines(told: Sequence[str] | None) -> Sequence[str]:
    """What `--baseline` says: the usual ones, those that are named, or none.

    >>> wanted_baselines(["none", "river:BiasedMF"])
    ['river:BiasedMF']
    """
    return BASELINES if not told else [each for each in told if each != NO_BASELINES]


def model_of(
    told: str, without: Sequence[str], blend_every: int | None
) -> tuple[str, dict[str, Any]]:
    """Name and configuration of a model with changes from the command line.

    >>> model_of("best", ["artists"], None)
    ('best without artists', {'model': 'best', 'without': ['artists']})
    """
    config, name = config_of(told), name_of(told)
    if without:
        config["without"] = [*config.get("without", []), *without]
        name += f" without {', '.join(without)}"
    if blend_every is not None:
        config["blend_every"] = blend_every
        name += f" blending every {blend_every}"
    return name, config


def name_of(told: str) -> str:
    """What a model is called in results.

    >>> name_of("experiments/mine.toml"), name_of("river:BiasedMF")
    ('mine', 'river:BiasedMF')
    """
    return PurePath(told).stem if told.endswith(".toml") else told


def _free(name: str, taken: dict[str, Ranker]) -> str:
    numbered = (f"{name}-{number}" for number in range(2, CONTESTANTS_MAX + 2))
    return next(each for each in (name, *numbered) if each not in taken)


def _warm_up(ranker: Ranker) -> None:
    """Compiles, so that no contestant's time counts it."""
    columns = Columns(
        np.array([ranker.users.encode("listener")], np.int32),
        np.array([ranker.items.encode("track")], np.int32),
        np.array([-1], np.int32),
        np.ones(1, np.float32),
        np.array([1_700_000_000_000], np.int64),
        np.zeros(1, np.uint8),
    )
    for is_frozen in (False, True):
        ranker.place_many(columns, is_frozen=is_frozen)
    ranker.recommend_many(columns.users, 1)
    ranker.digest()
