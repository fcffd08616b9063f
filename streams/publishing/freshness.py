"""Freshness, the end-to-end latency: how old events are when their lists become visible."""

import time
from collections import deque
from collections.abc import Sequence

import numpy as np

SAMPLES_MAX = 4_096
"""Number of events, the newest ones, whose ages are kept."""


class Freshness:
    """Ages, in ms, of the newest events at the moment their lists could be read in Redis."""

    def __init__(self) -> None:
        self._ages_ms: deque[int] = deque(maxlen=SAMPLES_MAX)

    def note(self, appended_at: Sequence[int]) -> None:
        """Records that events which the broker appended at these times (ms) are visible now."""
        now_ms = time.time_ns() // 1_000_000
        self._ages_ms.extend([now_ms - at for at in appended_at[-SAMPLES_MAX:]])

    def percentiles(self) -> dict[str, float]:
        """The p50 and p99 of the ages; empty before the first event."""
        if not self._ages_ms:
            return {}
        p50, p99 = np.percentile(np.array(self._ages_ms), [50, 99]).tolist()
        return {"p50": round(p50, 1), "p99": round(p99, 1)}
