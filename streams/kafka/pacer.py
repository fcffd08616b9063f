"""Pacing (adaptive batching): an idle worker fetches immediately, a busy one later.

Each fetch has a fixed cost (fetch, hand-over, batch, produce, Redis call) regardless of its size. A
worker that fetches as fast as it can spends all its processor time on that cost; one that always
waits adds latency for no benefit. A worker may therefore use a share of a processor. Time beyond
that share is a debt, and the next fetch waits until the debt is paid off, up to a maximum delay.
"""

import time
from collections.abc import Callable
from typing import NamedTuple


class Pace(NamedTuple):
    """The share of one processor that a worker may use before it waits, and the maximum wait.

    With a share of 0 it never waits.
    """

    share: float = 0.0
    wait_max_s: float = 0.0


AT_ONCE = Pace()


class Pacer:
    """Computes how long a fetch has to wait, from the processor time that the process used."""

    def __init__(
        self,
        pace: Pace,
        *,
        clock: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.process_time,
    ) -> None:
        self._pace = pace
        self._clock = clock
        self._used = used
        self._seen_at, self._seen_used = clock(), used()
        self._debt_s = 0.0
        self._next_at = self._seen_at

    def fetched(self) -> None:
        """Notes that a fetch returned records, and computes when the next fetch is due."""
        now, used = self._clock(), self._used()
        allowed_s = self._pace.share * (now - self._seen_at)
        debt_s = self._debt_s + (used - self._seen_used) - allowed_s
        self._debt_s = min(max(debt_s, 0.0), self._pace.share * self._pace.wait_max_s)
        self._seen_at, self._seen_used = now, used
        if self._pace.share:
            self._next_at = now + self._debt_s / self._pace.share

    @property
    def wait_s(self) -> float:
        """Seconds until the next fetch is due."""
        return max(0.0, self._next_at - self._clock())
