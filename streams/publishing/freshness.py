"""Freshness, the end-to-end latency: how old events are when their lists become visible."""

import time
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

SAMPLES_MAX = 4_096
"""Number of events, the newest ones, whose ages are kept."""
RECENT_S = 300.0
"""Within this time, an event counts as recent."""


class Freshness:
    """Ages, in ms, of the newest events at the moment their lists could be read in Redis."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._ages_ms: deque[int] = deque(maxlen=SAMPLES_MAX)
        self._noted_at: deque[float] = deque(maxlen=SAMPLES_MAX)
        self._clock = clock

    def note(self, appended_at: Sequence[int]) -> None:
        """Records that events which the broker appended at these times (ms) are visible now."""
        now_ms = time.time_ns() // 1_000_000
        ages = [now_ms - at for at in appended_at[-SAMPLES_MAX:]]
        self._ages_ms.extend(ages)
        self._noted_at.extend([self._clock()] * len(ages))

    def percentiles(self) -> dict[str, float]:
        """The p50 and p99 of the ages, and the p99 of recent ones; without events, none."""
        if not self._ages_ms:
            return {}
        ages = np.array(self._ages_ms)
        p50, p99 = np.percentile(ages, [50, 99]).tolist()
        recent = ages[np.array(self._noted_at) >= self._clock() - RECENT_S]
        found = {"p50": round(p50, 1), "p99": round(p99, 1)}
        if len(recent):
            found["p99_recent"] = round(float(np.percentile(recent, 99)), 1)
        return found
