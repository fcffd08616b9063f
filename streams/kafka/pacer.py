"""When a worker fetches next: at once while it has little to do, later the more it has.

What a chunk costs whatever its size (fetch, hand-over, batch, produce, Redis call) is paid once a
fetch. A worker that fetches as fast as it can spends all its processor on that; one that always
waits is late for nothing. So a worker may spend a share of a processor: what it spent beyond that
is a debt, and a fetch waits until the debt is worked off, or as long as a list may be late.
"""

import time
from collections.abc import Callable
from typing import NamedTuple


class Pace(NamedTuple):
    """The share of one processor a worker may use before it waits, and how long it waits at most.

    A share of 0 never waits.
    """

    share: float = 0.0
    rest_max_s: float = 0.0


AT_ONCE = Pace()


class Pacer:
    """Says how long a fetch has to wait; knows the processor time that the process has used."""

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
        """Notes that records came; from now on it may be too early for the next fetch."""
        now, used = self._clock(), self._used()
        allowed_s = self._pace.share * (now - self._seen_at)
        owed_s = self._debt_s + (used - self._seen_used) - allowed_s
        self._debt_s = min(max(owed_s, 0.0), self._pace.share * self._pace.rest_max_s)
        self._seen_at, self._seen_used = now, used
        if self._pace.share:
            self._next_at = now + self._debt_s / self._pace.share

    @property
    def rest_s(self) -> float:
        """Seconds until the next fetch is due."""
        return max(0.0, self._next_at - self._clock())
