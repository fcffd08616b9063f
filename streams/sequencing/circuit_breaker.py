"""Circuit breaker: slows a source partition down that has too many poison messages (bad records).

More than 5 % bad records in the window open the breaker: there is a pause before the next chunk,
which doubles while chunks stay bad. After a pause the breaker is half-open: the next chunk closes
it or opens it again. It never halts a partition, and skips no row.
"""

from collections import deque
from dataclasses import dataclass, field

BAD_SHARE_MAX = 0.05
WINDOW_RECORDS_MAX = 1_000
WINDOW_RECORDS_MIN = 100
"""With fewer records than this in the window, the breaker does not open."""
PAUSE_FIRST_S = 5.0
PAUSE_MAX_S = 60.0


@dataclass
class CircuitBreaker:
    """The breaker of one source partition; times are seconds of any monotonic clock."""

    window: deque[tuple[int, int]] = field(default_factory=deque)
    """Records and bad records of each of the last chunks."""
    records: int = 0
    bad: int = 0
    """Sums over the window."""
    pause_s: float = 0.0
    """Length of the current or last pause; 0 while the breaker is closed."""
    paused_until_s: float = 0.0

    def pause_left_s(self, now_s: float) -> float:
        """Seconds for which the partition still pauses."""
        return max(0.0, self.paused_until_s - now_s) if self.pause_s else 0.0

    def note(self, now_s: float, records: int, bad: int) -> None:
        """Counts a processed chunk, and opens or closes the breaker."""
        self._remember(records, bad)
        if self.pause_s and not _is_bad(records, bad):
            self._forget()
            self.pause_s = 0.0
        elif self.pause_s or self._window_is_bad():
            self.pause_s = min(PAUSE_MAX_S, 2 * self.pause_s or PAUSE_FIRST_S)
            self.paused_until_s = now_s + self.pause_s

    def _remember(self, records: int, bad: int) -> None:
        self.window.append((records, bad))
        self.records += records
        self.bad += bad
        while len(self.window) > 1 and self.records > WINDOW_RECORDS_MAX:
            records, bad = self.window.popleft()
            self.records -= records
            self.bad -= bad

    def _forget(self) -> None:
        self.window.clear()
        self.records = self.bad = 0

    def _window_is_bad(self) -> bool:
        return self.records >= WINDOW_RECORDS_MIN and _is_bad(self.records, self.bad)


def _is_bad(records: int, bad: int) -> bool:
    return bad > BAD_SHARE_MAX * records
