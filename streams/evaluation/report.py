"""The report of an evaluation: JSON values with stable names."""

import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.base import EVALUATED_K, NOT_LISTED
from online_models.evaluation.contest import Contest, Contestant
from online_models.evaluation.drift_watch import DriftWatch
from online_models.evaluation.intervals import estimate, hits, reciprocals
from online_models.evaluation.novelty import Novelty, plays_before
from streams.evaluation.contests import Question

SPLITS = {
    "repeats": Novelty.REPEAT,
    "new_to_listener": Novelty.NEW_TO_USER,
    "never_seen": Novelty.NEVER_SEEN,
}


@dataclass(frozen=True)
class EvaluationOutcome:
    """The n evaluated LISTENs in columns, and which of them are scored."""

    users: NDArray[np.int32]
    at_ms: NDArray[np.int64]
    novelty: NDArray[np.uint8]
    scored: NDArray[np.bool_]
    places: dict[str, NDArray[np.int8]]
    """By model."""


def outcome_of(
    contest: Contest, min_history: int, scored: NDArray[np.bool_] | None = None
) -> EvaluationOutcome:
    """The outcome; `scored` selects the LISTENs that count, if the files have such a column."""
    users, items, at_ms = contest.met()
    met = plays_before(users, items)
    if scored is None:
        scored = met.of_user >= min_history
    places = {each.name: each.places for each in contest.contestants}
    return EvaluationOutcome(users, at_ms, met.novelty, scored, places)


def report(contest: Contest, outcome: EvaluationOutcome, question: Question) -> dict[str, Any]:
    """Figures of every model; those of the first one are at the top level."""
    ks = sorted({*question.ks, EVALUATED_K})
    first, *others = contest.contestants
    figures = {each.name: _figures(each, outcome, ks) for each in contest.contestants}
    for each in others:
        figures[each.name]["difference"] = _difference(outcome, first.name, each.name, ks)
    baselines = others[: len(question.only_baselines)]
    return {
        "model": first.name,
        "config": question.config,
        "events": len(outcome.users),
        **figures[first.name],
        "baselines": {each.name: figures[each.name] for each in baselines},
        "compared": {each.name: figures[each.name] for each in others[len(baselines) :]},
        "frozen_at": contest.frozen_at,
        "drift": alarms_of(outcome, first.name),
        "listeners": len(first.ranker.users),
        "tracks": len(first.ranker.items),
        "artists": len(first.ranker.groups),
    }


def alarms_of(outcome: EvaluationOutcome, name: str) -> list[dict[str, Any]]:
    """Drift alarms of a model: where its hit rate fell; events are counted from 0."""
    watch, scored = DriftWatch(), np.flatnonzero(outcome.scored)
    watch.update(hits(outcome.places[name][scored], EVALUATED_K) > 0, scored)
    return [
        {
            "event": alarm.at,
            "at_ms": int(outcome.at_ms[alarm.at]),
            "since_event": int(scored[alarm.since]),
            "before": alarm.before,
            "after": alarm.after,
        }
        for alarm in watch.alarms
    ]


def _figures(
    contestant: Contestant, outcome: EvaluationOutcome, ks: Sequence[int]
) -> dict[str, Any]:
    scored = outcome.scored
    places, users = outcome.places[contestant.name][scored], outcome.users[scored]
    novelty = outcome.novelty[scored]
    splits = {name: novelty == value for name, value in SPLITS.items()}
    return {
        **_at(places, users, ks),
        "candidate_recall": float((places >= NOT_LISTED).mean()) if len(places) else 0.0,
        "coverage": contestant.coverage,
        "coverage_lists": contestant.lists,
        "splits": {
            name: {"share": float(mask.mean()) if len(mask) else 0.0}
            | _at(places[mask], users[mask], ks)
            for name, mask in splits.items()
        },
        "model_seconds": round(contestant.seconds, 3),
        "events_per_second": round(len(outcome.users) / max(contestant.seconds, 1e-9)),
    }


def _at(places: NDArray[np.int8], users: NDArray[np.int32], ks: Sequence[int]) -> dict[str, Any]:
    """Hit rate and mean reciprocal rank at each k, with their 95 % intervals."""
    figures: dict[str, Any] = {"scored": len(places), "hits": int(hits(places, EVALUATED_K).sum())}
    intervals = {}
    for name, values_of in (("hr", hits), ("mrr", reciprocals)):
        for k in ks:
            found = estimate(values_of(places, k), users)
            low, high = max(found.low, 0.0), min(found.high, 1.0)
            figures[f"{name}@{k}"], intervals[f"{name}@{k}"] = found.mean, [low, high]
    return figures | {"interval": intervals}


def _difference(
    outcome: EvaluationOutcome, first: str, other: str, ks: Sequence[int]
) -> dict[str, Any]:
    """Paired difference between the first model and another one, with 95 % intervals."""
    users = outcome.users[outcome.scored]
    ours, theirs = (outcome.places[name][outcome.scored] for name in (first, other))
    figures: dict[str, Any] = {}
    intervals = {}
    for name, values_of in (("hr", hits), ("mrr", reciprocals)):
        for k in ks:
            found = estimate(values_of(ours, k) - values_of(theirs, k), users)
            figures[f"{name}@{k}"], intervals[f"{name}@{k}"] = found.mean, found.interval
    return figures | {"interval": intervals}


def finished(result: dict[str, Any], reading_s: float, total_s: float) -> dict[str, Any]:
    """`result` with the time and memory that the evaluation took."""
    seconds = {"reading": reading_s, "model": result["model_seconds"], "total": total_s}
    return result | {
        "seconds": {name: round(each, 3) for name, each in seconds.items()},
        "peak_memory_bytes": peak_memory_bytes(),
    }


def peak_memory_bytes() -> int:
    """The peak memory of this process, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
