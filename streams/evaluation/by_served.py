"""Compares what listeners played while each of two generations served some of them (A/B test).

A canary serves a sample of the listeners, drawn by a hash, and the stable generation the others at
the same time. Each play is judged by the list of the generation that served its listener: it *came
from the list* if its track was on the list as of just before the play. Who was served by whom
follows from the plans in the journal and from the time of the play, and the lists follow from
the log, so nothing has to be recorded.

The share of a canary decides who is in either sample. So each share is a *period* of its own, and
the answer is a mean over periods. Every interval of a period is a confidence sequence with a part
of the permitted error, so that all of them are right at once, however often one looks, and whatever
weights the mean has.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.base import EVALUATED_K
from online_models.evaluation.confidence import ALPHA, Interval, PairedDifference, cluster_of
from online_models.evaluation.contest import Contest
from online_models.evaluation.intervals import hits
from online_models.vocabulary import Vocabulary
from streams.evaluation.comparison import (
    CLUSTERS_MIN,
    MARGIN,
    PLAYS_A_BLOCK,
    Measured,
    Verdict,
    plays_to_go,
    verdict_of,
)
from streams.evaluation.late_ranker import late_listens
from streams.lifecycle.lifecycle import Entry
from streams.lists.serving_plan import Plan, bucket
from streams.settings import Settings
from topics.errors import SettingsError
from topics.lifecycle import ServingChanged

_RANGE = 1.0
"""A play came from the list, or it did not: values from 0 to 1."""


class Period(NamedTuple):
    """One share of a canary beside a stable generation, in all times that it was in force."""

    stable: str
    canary: str
    share: int
    """In ten-thousandths of the listeners."""


class Plans(NamedTuple):
    """The plans, and since when each of them was in force, in order."""

    since_ms: NDArray[np.int64]
    plans: list[Plan]

    def at(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """The place of the plan that was in force at each time (ms); -1 before the first one."""
        return np.searchsorted(self.since_ms, times, side="right") - 1


class Plays(NamedTuple):
    """Plays of known listeners in the order of the log, in columns of [n]."""

    users: NDArray[np.int32]
    listened_ms: NDArray[np.int64]
    appended_ms: NDArray[np.int64]
    came_from: dict[str, NDArray[np.float64]]
    """For each generation: 1 where the play's track was on its list."""


class Group(NamedTuple):
    """What those listeners did in a period whom one generation served."""

    plays: int
    listeners: int
    clusters: int
    interval: Interval
    """Of the share of plays that came from the lists of that generation."""


def plans_of(history: Iterable[Entry]) -> Plans:
    """The valid plans in the history of the journal."""
    found = [
        (each.at_ms, Plan(each.offset, "", record.stable, record.canary, record.share))
        for each in history
        if isinstance(record := each.record, ServingChanged) and not each.void
    ]
    return Plans(np.array([at for at, _ in found], np.int64), [plan for _, plan in found])


def periods_of(plans: Plans, a: str, b: str) -> list[Period]:
    """The periods in which one of two generations was a canary beside the other one, in order.

    Raises `SettingsError` if there is none.
    """
    found = [
        Period(each.stable, each.canary, each.share)
        for each in plans.plans
        if each.canary is not None and {each.stable, each.canary} == {a, b}
    ]
    if not found:
        raise SettingsError(
            f"Neither {a} nor {b} was ever a canary beside the other one.",
            f"Begin one: echotune generations canary {a} 10% --why ...",
        )
    return list(dict.fromkeys(found))


def plays_of(
    contest: Contest, appended_ms: NDArray[np.int64], settings: Mapping[str, Settings]
) -> Plays:
    """The plays of a finished contest since both models learn; `appended_ms` of all its events.

    Plays of listeners who were erased since are left out.
    """
    users, _, listened_ms = contest.met()
    every = [*contest.contestants]
    kept = np.arange(len(users)) >= max(late_listens(each.ranker, len(users)) for each in every)
    known = _known(every[0].ranker.users, np.unique(users))
    kept &= np.isin(users, known)
    length = min(EVALUATED_K, *(each.list_length for each in settings.values()))
    came_from = {each.name: hits(each.places[kept], length) for each in every}
    at = contest.listen_rows()
    return Plays(users[kept], listened_ms[kept], appended_ms[at][kept], came_from)


def _known(listeners: Vocabulary, codes: NDArray[np.int32]) -> NDArray[np.int32]:
    """Those of the codes that still have a listener."""
    return np.array([each for each in codes.tolist() if _name(listeners, each)], np.int32)


def _name(listeners: Vocabulary, code: int) -> str:
    try:
        return str(listeners.value(code))
    except LookupError:
        return ""


def served_in(
    period: Period, plays: Plays, plans: Plans, listeners: Vocabulary
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which plays of a period are of the canary's listeners, and which of the stable one's.

    A play counts if its listener was served by the same generation when they played it and when it
    was recorded: so neither old plays that are imported count, nor those that come late.
    """
    is_in_force = np.array([_is_of(period, each) for each in plans.plans], np.bool_)
    at = [plans.at(times) for times in (plays.listened_ms, plays.appended_ms)]
    counts = np.logical_and.reduce([(each >= 0) & is_in_force[each] for each in at])
    codes, place = np.unique(plays.users, return_inverse=True)
    buckets = [bucket(period.canary, _name(listeners, code)) for code in codes.tolist()]
    is_canary = (np.array(buckets, np.int64) < period.share)[place]
    return counts & is_canary, counts & ~is_canary


def _is_of(period: Period, plan: Plan) -> bool:
    return (plan.stable, plan.canary, plan.share) == period


def permitted(place: int) -> float:
    """The error that is permitted in the period at `place` (0-based); all of them add up to ALPHA.

    >>> permitted(0), round(sum(map(permitted, range(100_000))), 4)
    (0.025, 0.05)
    """
    return ALPHA / ((place + 1) * (place + 2))


def measured_group(users: NDArray[np.int32], came_from: NDArray[np.float64], alpha: float) -> Group:
    """The share of plays that came from their list; plays are in order."""
    clusters, sums = cluster_of(users), PairedDifference(_RANGE)
    for start in range(0, len(users), PLAYS_A_BLOCK):
        block = slice(start, start + PLAYS_A_BLOCK)
        sums.update(came_from[block], clusters[block])
    return Group(sums.count, len(np.unique(users)), sums.clusters, sums.interval(alpha))


class PeriodMeasured(NamedTuple):
    """Both groups of a period: those whom the first generation served, and the second one."""

    period: Period
    a: Group
    b: Group

    @property
    def weight(self) -> float:
        """What the period counts: about the inverse of its difference's variance."""
        every = self.a.plays + self.b.plays
        return self.a.plays * self.b.plays / every if every else 0.0

    @property
    def clusters(self) -> int:
        """Clusters of the group that has fewer."""
        return min(self.a.clusters, self.b.clusters)


def counting(found: list[PeriodMeasured]) -> list[PeriodMeasured]:
    """The periods with enough listeners in both groups; all with listeners in both, if none has."""
    both = [each for each in found if each.weight]
    return [each for each in both if each.clusters >= CLUSTERS_MIN] or both


def difference(found: list[PeriodMeasured]) -> Measured:
    """The mean difference of two generations over periods; `paired` are the fewer plays."""
    whole = sum(each.weight for each in found)
    if not whole:
        return Measured(0, 0.0, 0.0, Interval(0.0, -1.0, 1.0, 1.0, 1.0), 0)
    weights = np.array([each.weight for each in found]) / whole
    # Both groups have a part of the error each, so that the radii of their intervals add up.
    groups = np.array([[each.a.interval, each.b.interval] for each in found])
    (a_mean, _, _, *ours), (b_mean, _, _, *theirs) = np.tensordot(weights, groups, 1).tolist()
    sequence, clustered = (one + other for one, other in zip(ours, theirs, strict=True))
    mean, radius = a_mean - b_mean, max(sequence, clustered)
    interval = Interval(
        mean, max(-1.0, mean - radius), min(1.0, mean + radius), sequence, clustered
    )
    fewer = min(sum(each.a.plays for each in found), sum(each.b.plays for each in found))
    return Measured(fewer, a_mean, b_mean, interval, min(each.clusters for each in found))


def by_served(
    names: tuple[str, str],
    plays: Plays,
    plans: Plans,
    listeners: Vocabulary,
    *,
    margin: float = MARGIN,
) -> dict[str, Any]:
    """What the listeners of two generations did, as JSON; raises what `periods_of` does."""
    periods = periods_of(plans, *names)
    rows = [_rows_of(period, plays, plans, listeners) for period in periods]
    found = [
        PeriodMeasured(period, *(_group(plays, name, each[name], place) for name in names))
        for place, (period, each) in enumerate(zip(periods, rows, strict=True))
    ]
    counts = counting(found)
    result = difference(counts)
    verdict = verdict_of(result, margin)
    served = {name: np.logical_or.reduce([each[name] for each in rows]) for name in names}
    fields = result.as_json()
    del fields["paired"]  # these plays are of different listeners
    return {
        "verdict": verdict,
        "plays_to_go": plays_to_go(result, margin) if verdict is Verdict.TOO_EARLY else None,
        **fields,
        "listeners_of": {name: _lists_on(plays, each) for name, each in served.items()},
        "left_out": len(plays.users) - int(sum(each.sum() for each in served.values())),
        "periods": [_as_json(each) | {"counts": each in counts} for each in found],
    }


def _rows_of(
    period: Period, plays: Plays, plans: Plans, listeners: Vocabulary
) -> dict[str, NDArray[np.bool_]]:
    """Which plays of a period are of the listeners of each generation."""
    canary, stable = served_in(period, plays, plans, listeners)
    return {period.canary: canary, period.stable: stable}


def _group(plays: Plays, name: str, rows: NDArray[np.bool_], place: int) -> Group:
    return measured_group(plays.users[rows], plays.came_from[name][rows], permitted(place) / 2)


def _lists_on(plays: Plays, rows: NDArray[np.bool_]) -> dict[str, Any]:
    """Listeners, plays, and the share of the plays that were on the lists of each generation."""
    count = int(rows.sum())
    return {
        "listeners": len(np.unique(plays.users[rows])),
        "plays": count,
        "on_list_of": {
            name: float(each[rows].sum()) / max(count, 1) for name, each in plays.came_from.items()
        },
    }


def _as_json(found: PeriodMeasured) -> dict[str, Any]:
    groups = {"a": found.a, "b": found.b}
    return found.period._asdict() | {
        name: {
            "plays": each.plays,
            "listeners": each.listeners,
            "clusters": each.clusters,
            "share_from_list": each.interval.mean,
        }
        for name, each in groups.items()
    }
