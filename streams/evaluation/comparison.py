"""Compares two generations on the same plays of the learning-log (A/B comparison, offline).

Both models fold the log from its start, side by side: each play is ranked by both and then learnt
by both, so the pairing is exact, and nothing depends on which generation was shown to whom. The
answer is a verdict with a confidence sequence, which is valid however often one looks.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from online_models.base import EVALUATED_K, Ranker
from online_models.evaluation.confidence import ALPHA, Interval, PairedDifference, cluster_of
from online_models.evaluation.contest import Contest
from online_models.evaluation.intervals import hits, reciprocals
from online_models.evaluation.novelty import plays_before
from streams.evaluation.contests import warm_up
from streams.evaluation.late_ranker import LateRanker, late_listens
from streams.evaluation.report import SPLITS, EvaluationOutcome, outcome_of
from streams.generation.model_choice import built_here, config_of
from streams.settings import Settings
from topics.errors import SettingsError

MARGIN = 0.005
"""By this much of the hit rate a generation may be worse and still is "no worse"."""
CLUSTERS_MIN = 16
PLAYS_A_BLOCK = 64
"""Plays that are added to the sums together."""
_HISTORY_MIN = 5
"""Earlier plays of a listener before their plays are scored."""


class Verdict(StrEnum):
    """The answer of a comparison of A with B, for A."""

    BETTER = "better"
    WORSE = "worse"
    NO_WORSE = "no worse"
    TOO_EARLY = "too early"
    TOO_FEW_LISTENERS = "too few listeners"


class Measured(NamedTuple):
    """A paired difference of scored plays, and both means."""

    paired: int
    a_mean: float
    b_mean: float
    interval: Interval
    clusters: int

    def as_json(self) -> dict[str, Any]:
        """JSON values with stable names."""
        return {
            "paired": self.paired,
            "a_mean": self.a_mean,
            "b_mean": self.b_mean,
            "difference": self.interval.mean,
            "interval": self.interval._asdict() | {"confidence": 1 - ALPHA},
            "clusters": self.clusters,
        }


def verdict_of(found: Measured, margin: float = MARGIN) -> Verdict:
    """The verdict of a comparison."""
    interval = found.interval
    if found.clusters < CLUSTERS_MIN:
        return Verdict.TOO_FEW_LISTENERS
    if interval.low > 0:
        return Verdict.BETTER
    if interval.high < 0:
        return Verdict.WORSE
    return Verdict.NO_WORSE if interval.low > -margin else Verdict.TOO_EARLY


def plays_to_go(found: Measured, margin: float = MARGIN) -> int | None:
    """About how many more scored plays a verdict needs; None if that cannot be said.

    The width falls about with the square root of the plays, and the difference is taken to stay.

    >>> found = Measured(1_000, 0.2, 0.2, Interval(0.0, -0.01, 0.01, 0.01, 0.01), 64)
    >>> plays_to_go(found, margin=0.005)
    3000
    """
    mean = found.interval.mean
    needed = max(abs(mean), mean + margin)
    radius = max(found.interval.sequence, found.interval.clustered)
    if needed <= 0 or not found.paired:
        return None
    return max(0, round(found.paired * ((radius / needed) ** 2 - 1)))


def contest_of_two(settings: Mapping[str, Settings]) -> Contest:
    """The models of two generations, by name; raises `SettingsError` if rows cannot be paired."""
    windows = {name: each.duplicate_window for name, each in settings.items()}
    if len({*windows.values()}) > 1:
        raise SettingsError(
            f"The generations deduplicate otherwise: duplicate_window is {windows}.",
            "Compare generations with one window, because the others learn other plays.",
        )
    rankers = {
        name: built_here(config_of(each.model), f"generation {name}")
        for name, each in settings.items()
    }
    for each in rankers.values():
        warm_up(each.clone())
    first = common_part(settings).learn_from
    return Contest(
        {
            name: cast(Ranker, LateRanker(each, settings[name].learn_from))
            if settings[name].learn_from > first
            else each
            for name, each in rankers.items()
        }
    )


def common_part(settings: Mapping[str, Settings]) -> Settings:
    """Settings of a fold that ends where the first of the generations ends.

    It begins where the first of them begins to learn; the other ones begin later in the contest.
    """
    every = [*settings.values()]
    ends = [each.learn_until for each in every if each.learn_until is not None]
    part = {
        "learn_from": min(each.learn_from for each in every),
        "learn_until": min(ends, default=None),
    }
    return every[0].model_copy(update=part)


def compared(contest: Contest, *, margin: float = MARGIN) -> dict[str, Any]:
    """The comparison of the first model of a finished contest with the second one, as JSON."""
    outcome = outcome_of(contest, _HISTORY_MIN, _scored_by_all(contest))
    a, b = (each.name for each in contest.contestants)
    hit = measured(outcome, a, b, hits)
    verdict = verdict_of(hit, margin)
    novelty = outcome.novelty
    return {
        "a": a,
        "b": b,
        "metric": f"hr@{EVALUATED_K}",
        "verdict": verdict,
        "plays_to_go": plays_to_go(hit, margin) if verdict is Verdict.TOO_EARLY else None,
        "margin": margin,
        **hit.as_json(),
        "unpaired": int(len(outcome.users) - outcome.scored.sum()),
        "mrr": measured(outcome, a, b, reciprocals).as_json(),
        "splits": {
            name: measured(outcome, a, b, hits, novelty == value).as_json()
            for name, value in SPLITS.items()
        },
        "coverage": {
            end: each.coverage for end, each in zip("ab", contest.contestants, strict=True)
        },
    }


def _scored_by_all(contest: Contest) -> NDArray[np.bool_]:
    """The plays that each model has scored: of listeners with enough plays since it has learnt."""
    users, items, _ = contest.met()
    before = [late_listens(each.ranker, len(users)) for each in contest.contestants]
    begin = max(before)
    scored = np.zeros(len(users), np.bool_)
    scored[begin:] = plays_before(users[begin:], items[begin:]).of_user >= _HISTORY_MIN
    return scored


def measured(
    outcome: EvaluationOutcome,
    a: str,
    b: str,
    values_of: Any,
    rows: NDArray[np.bool_] | None = None,
) -> Measured:
    """The paired difference of two models, over all scored plays or those in `rows`."""
    kept = outcome.scored if rows is None else outcome.scored & rows
    ours, theirs = (values_of(outcome.places[each][kept], EVALUATED_K) for each in (a, b))
    clusters, sums = cluster_of(outcome.users[kept]), PairedDifference()
    for start in range(0, len(ours), PLAYS_A_BLOCK):
        block = slice(start, start + PLAYS_A_BLOCK)
        sums.update(ours[block] - theirs[block], clusters[block])
    count = max(sums.count, 1)
    means = float(ours.sum()) / count, float(theirs.sum()) / count
    return Measured(sums.count, *means, sums.interval(), sums.clusters)
