"""What the console shows of the system's status, and to whom. Pure."""

from collections import deque
from collections.abc import Mapping
from typing import Any

SAMPLES_MAX = 900
"""Number of samples that are kept for curves: half an hour of an open page."""
RATE_WITHIN_S = 30.0
"""Two samples further apart than this give no rate."""
_SHOWN = ("generation", "applied", "lists", "lag", "freshness_ms")
_WORKER = "a worker"
_SERVERS = ("redis", "kafka")


class StatusSamples:
    """The newest samples of the status, for curves."""

    def __init__(self) -> None:
        self._samples: deque[dict[str, Any]] = deque(maxlen=SAMPLES_MAX)

    def add(self, status: Mapping[str, Any], at_s: float) -> dict[str, Any]:
        """Adds a sample of a status; returns it."""
        before = self._samples[-1] if self._samples else None
        self._samples.append(sample_of(status, at_s, before))
        return self._samples[-1]

    def all(self) -> list[dict[str, Any]]:
        """All samples that are kept, oldest first."""
        return [*self._samples]


def sample_of(
    status: Mapping[str, Any], at_s: float, before: Mapping[str, Any] | None
) -> dict[str, Any]:
    """One point of each curve; unknown is None."""
    recommender, lag, fresh = status["recommender"], status["lag"], status["freshness_ms"]
    return {
        "at": round(at_s, 3),
        "applied": status["applied"],
        "events_per_s": _rate(status["applied"], at_s, before),
        "hit_rate": _hit_rate(recommender.get("quality")),
        "baseline": _hit_rate(recommender.get("baseline")),
        "fresh_p50_ms": fresh.get("p50"),
        "fresh_p99_ms": fresh.get("p99"),
        "waiting_events": lag["events"],
        "waiting_records": lag["log_records"],
    }


def _rate(applied: int | None, at_s: float, before: Mapping[str, Any] | None) -> float | None:
    """Events a second since the sample before; None if there is none, or the count began anew."""
    if applied is None or before is None or before["applied"] is None:
        return None
    passed_s, more = at_s - before["at"], applied - before["applied"]
    if not 0 < passed_s <= RATE_WITHIN_S or more < 0:
        return None
    return round(more / passed_s, 2)


def _hit_rate(quality: Mapping[str, Any] | None) -> float | None:
    """The share of plays that were among the first 20; None before any was scored."""
    return quality.get("hr@20") if quality and quality.get("scored") else None


def shown_status(status: Mapping[str, Any], *, is_admin: bool) -> dict[str, Any]:
    """The status for a person; addresses and workers' ids are for administrators alone."""
    shown = {name: status[name] for name in _SHOWN}
    running = [each for each in status["shards"] if each.get("recommender_id")]
    return {
        **shown,
        "recommenders": {"running": len(running), "wanted": len(status["shards"])},
        "sequencers": len(status["sequencers"]),
        "drift_alarms": (status["recommender"].get("drift") or {}).get("raised", 0),
        "problems": [*status["problems"]] if is_admin else _without_names(status["problems"]),
        **({"addresses": status["addresses"]} if is_admin else {}),
    }


def _without_names(problems: list[str]) -> list[str]:
    """Which part has a problem.

    >>> _without_names(["redis: no answer at 10.0.0.1:6379", "rec-first-0of2 does not run"])
    ['redis has a problem', 'a worker has a problem']
    """
    kinds = (each.partition(":")[0] for each in problems)
    parts = [each if each in _SERVERS else _WORKER for each in kinds]
    return [f"{each} has a problem" for each in dict.fromkeys(parts)]
