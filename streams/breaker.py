"""Slows a partition down while too much of it is poison; never halts it, never skips a row.

More than 5 % bad records among the last ones open the breaker: a pause between chunks of 5 s,
doubling to 60 s while it stays so; half-open afterwards, one chunk decides.
"""

from collections import deque
from dataclasses import dataclass, field

BAD_SHARE_MAX = 0.05
WINDOW_CHUNKS = 32
RECORDS_MIN = 100
"""Fewer records than this say nothing about a share."""
PAUSE_FIRST_S = 5.0
PAUSE_MAX_S = 60.0


@dataclass
class Breaker:
    """The breaker of one source partition; counts and pauses are its whole state."""

    window: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=WINDOW_CHUNKS))
    pause_s: float = 0.0

    def note(self, records: int, bad: int) -> float:
        """Notes a chunk; returns for how many seconds its partition should pause now."""
        if self.pause_s:
            self.window.clear()
        self.window.append((records, bad))
        if self._too_bad(bad, records):
            self.pause_s = min(PAUSE_MAX_S, 2 * self.pause_s or PAUSE_FIRST_S)
            return self.pause_s
        if records > bad:
            self.pause_s = 0.0
        return 0.0

    def _too_bad(self, bad: int, records: int) -> bool:
        if self.pause_s:
            return bad > BAD_SHARE_MAX * records
        seen = sum(each for each, _ in self.window)
        return seen >= RECORDS_MIN and sum(b for _, b in self.window) > BAD_SHARE_MAX * seen
