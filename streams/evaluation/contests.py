"""The compared models: the evaluated one, its baselines, and when learning stops."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

import numpy as np

from online_models.base import Columns, Ranker
from online_models.evaluation.contest import Contest
from streams.generation.model_choice import built_here, config_of
from topics.errors import SettingsError

BASELINES = ("popularity", "own_recent", "last_transition")
"""The default baselines."""
NO_BASELINES = "none"
CONTESTANTS_MAX = 32
"""Maximum number of models in one comparison."""
_EPOCH_FROM = 1_000_000_000
"""A whole number from here on is a time in seconds; a smaller one is a number of events."""
_EPOCH_MS_FROM = 100_000_000_000
"""A whole number from here on is a time in ms."""


@dataclass(frozen=True)
class Freeze:
    """When learning stops: after `rows` events, or after a time; never if both are None."""

    rows: int | None = None
    after_ms: int | None = None


def freeze_of(text: str | None) -> Freeze:
    """The meaning of the option `--freeze-after`.

    >>> freeze_of("5000"), freeze_of("2015-01-01").after_ms
    (Freeze(rows=5000, after_ms=None), 1420070400000)
    """
    if text is None:
        return Freeze()
    if text.isascii() and text.isdigit():
        number = int(text)
        if number < _EPOCH_FROM:
            return Freeze(rows=number)
        return Freeze(after_ms=number if number >= _EPOCH_MS_FROM else number * 1_000)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(
            f"--freeze-after {text!r} is neither a number of events nor a time.",
            "Write 250000, or 2015-01-01, or 2015-01-01T12:00:00Z.",
        ) from None
    return Freeze(after_ms=round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000))


@dataclass(frozen=True)
class Question:
    """What to evaluate; models are names or paths that `model_choice.config_of` accepts."""

    config: dict[str, Any]
    name: str
    baselines: Sequence[str] = BASELINES
    compared: Sequence[str] = ()
    freeze: Freeze = field(default_factory=Freeze)
    ks: Sequence[int] = (20,)
    min_history: int = 5

    @property
    def others(self) -> list[str]:
        """The baselines that are not among `compared`, then `compared`."""
        return [*self.only_baselines, *dict.fromkeys(self.compared)]

    @property
    def only_baselines(self) -> list[str]:
        """The baselines that are not among `compared`."""
        return [each for each in dict.fromkeys(self.baselines) if each not in self.compared]


def contest_of(question: Question) -> Contest:
    """A comparison of new models; compiles their functions first."""
    rankers = {question.name: built_here(question.config, "--preset or --config")}
    for other in question.others:
        rankers[_unused(name_of(other), rankers)] = built_here(config_of(other), f"{other!r}")
    if len(rankers) > CONTESTANTS_MAX:
        raise SettingsError(f"{len(rankers)} models are too many.", f"{CONTESTANTS_MAX} can run.")
    for ranker in rankers.values():
        warm_up(ranker.clone())
    return Contest(
        rankers, frozen_from_row=question.freeze.rows, frozen_after_ms=question.freeze.after_ms
    )


def wanted_baselines(names: Sequence[str] | None) -> Sequence[str]:
    """The meaning of the option `--baseline`: the default ones, the named ones, or none.

    >>> wanted_baselines(["none", "river:BiasedMF"])
    ['river:BiasedMF']
    """
    return BASELINES if not names else [each for each in names if each != NO_BASELINES]


def model_of(
    name_or_path: str, without: Sequence[str], blend_every: int | None
) -> tuple[str, dict[str, Any]]:
    """Name and configuration of a model, changed by the command line's options.

    >>> model_of("best", ["artists"], None)
    ('best without artists', {'model': 'best', 'without': ['artists']})
    """
    config, name = config_of(name_or_path), name_of(name_or_path)
    if without:
        config["without"] = [*config.get("without", []), *without]
        name += f" without {', '.join(without)}"
    if blend_every is not None:
        config["blend_every"] = blend_every
        name += f" blending every {blend_every}"
    return name, config


def name_of(name_or_path: str) -> str:
    """The name of a model in results.

    >>> name_of("experiments/mine.toml"), name_of("river:BiasedMF")
    ('mine', 'river:BiasedMF')
    """
    return PurePath(name_or_path).stem if name_or_path.endswith(".toml") else name_or_path


def _unused(name: str, taken: dict[str, Ranker]) -> str:
    numbered = (f"{name}-{number}" for number in range(2, CONTESTANTS_MAX + 2))
    return next(each for each in (name, *numbered) if each not in taken)


def warm_up(ranker: Ranker) -> None:
    """Compiles the model's functions, so that no model's measured time includes it."""
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
