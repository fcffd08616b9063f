"""Records of the journal, and a lifecycle to append them to."""

import secrets
from typing import Any

from streams.lifecycle.lifecycle import Lifecycle
from topics.lifecycle import (
    AutopilotSet,
    GenerationCreated,
    GenerationMoved,
    GenerationsCompared,
    GenerationState,
    JournalRecord,
    ServingCause,
    ServingChanged,
)

STARTED, QUIET, STOPPED = GenerationState.STARTED, GenerationState.QUIET, GenerationState.STOPPED
RETIRING, RETIRED = GenerationState.RETIRING, GenerationState.RETIRED

GIB = 2**30
LOG_END = 1_000
"""End of the log that `compared` covers, and that `a_status` has folded."""


def a_status(**changes: Any) -> dict[str, Any]:
    """A shard that is sound in every respect."""
    return {
        "as_of": LOG_END - 1,
        "publishing": True,
        "waits_for": [],
        "freshness_ms": {"p50": 10.0, "p99": 9_000.0, "p99_recent": 50.0},
        "memory": {"used_bytes": GIB, "limit_bytes": 8 * GIB},
        **changes,
    }


def said() -> dict[str, Any]:
    return {
        "operation_id": secrets.token_bytes(16),
        "who": "ann@here",
        "why": "a test",
        "made_with": "0",
    }


def created(name: str, **more: Any) -> GenerationCreated:
    fields = {"settings": "{}", "fold_version": 7, **said(), **more}
    return GenerationCreated(name=name, **fields)


def moved(name: str, to: GenerationState, **more: Any) -> GenerationMoved:
    return GenerationMoved(name=name, to=to, **said() | more)


def serves(stable: str, expected: int, **more: Any) -> ServingChanged:
    fields = {"cause": ServingCause.PROMOTED, **said(), **more}
    return ServingChanged(stable=stable, expected=expected, **fields)


def armed(name: str, *steps: int, dwell_s: int = 600, **more: Any) -> AutopilotSet:
    fields = {"is_armed": True, **said(), **more}
    return AutopilotSet(name=name, steps=steps, dwell_s=dwell_s, **fields)


def compared(a: str, b: str, verdict: str = "better", **more: Any) -> GenerationsCompared:
    """A comparison of a log up to offset 999."""
    low, high = {"worse": (-0.02, -0.01), "too early": (-0.02, 0.02)}.get(verdict, (0.01, 0.02))
    fields = {
        "log_id": "",
        "upto_offset": 999,
        "metric": "hr@20",
        "paired": 5_000,
        "clusters": 64,
        "difference": (low + high) / 2,
        "low": low,
        "high": high,
        "margin": 0.005,
    }
    return GenerationsCompared(a=a, b=b, verdict=verdict, **(fields | said() | more))


class Book:
    """A lifecycle whose records are appended one after another."""

    def __init__(self, *records: JournalRecord) -> None:
        self.lifecycle = Lifecycle()
        self._end = 0
        for each in records:
            assert self.append(each) == ""

    def append(self, record: JournalRecord) -> str:
        self._end += 1
        return self.lifecycle.apply(self._end - 1, 1_000 * self._end, record)
