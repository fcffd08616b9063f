"""How fast a fold that is far behind may go beside live ones (AIMD congestion control). Pure.

A fold that works through years of events takes processor time from the one that serves listeners.
So its rate rises by a tenth each second, and is halved whenever live lists become stale: when their
p99 freshness exceeds 1.5 times what it was at its best in the last ten minutes. (Its median of the
last minute would rise with the harm that this fold does, and forgive it.) The rate never falls
below one at which the work is finished some day. An operator's limit takes the place of this rate.
"""

from collections import deque
from statistics import median

FAR_BEHIND_RECORDS = 1_000
"""A fold that is further behind the log's end than this gives way to live ones."""
CAUGHT_UP_RECORDS = 64
"""A fold that is no further behind than this is not slowed down by an operator's limit either."""
CREDIT_EVENTS = 100_000
"""Events that a fold may do at once: about a minute's, for one that begins with a snapshot."""
RATE_FIRST, RATE_MIN = 4_000.0, 1_000.0
"""Events a second."""
RISE_A_SECOND = 0.1
STALE_RATIO, STALE_FLOOR_MS = 1.5, 50.0
HALVED_EVERY_S = 1.0
SPAN_S, SPANS = 10.0, 60
"""The best is the smallest median of a span of this many seconds, among so many spans."""
_SAMPLES_MAX = 100


class LiveFreshness:
    """The p99 freshness of live lists in the last ten minutes."""

    def __init__(self) -> None:
        self._span: deque[float] = deque(maxlen=_SAMPLES_MAX)
        self._began_s = -SPAN_S
        self._medians: deque[tuple[float, float]] = deque(maxlen=SPANS)

    def is_stale(self, now_s: float, p99_ms: float) -> bool:
        """Notes a p99, and returns whether it is worse than it was at its best."""
        if now_s >= self._began_s + SPAN_S:
            if self._span:
                self._medians.append((self._began_s, median(self._span)))
            self._span.clear()
            self._began_s = now_s
        while self._medians and self._medians[0][0] < now_s - SPAN_S * SPANS:
            self._medians.popleft()
        known = [found for _, found in self._medians]
        before = known or ([median(self._span)] if self._span else [])
        self._span.append(p99_ms)
        return bool(before) and p99_ms > max(STALE_FLOOR_MS, STALE_RATIO * min(before))


class Throttle:
    """The rate of one fold; times are seconds of a monotonic clock.

    Events that were folded are a debt, which is paid off at the rate; the next chunk waits for it.
    `credit` events may be folded before that, unless an operator has set a limit.
    """

    def __init__(self, now_s: float, credit: int = 0) -> None:
        self.rate = RATE_FIRST
        self.limit: float | None = None
        """An operator's limit in events a second; None if there is none."""
        self.behind = 0
        """Log records between the fold and the log's end."""
        self._live = LiveFreshness()
        self._debt = -float(credit)
        self._paid_at_s = self._rose_at_s = now_s
        self._halved_at_s = -HALVED_EVERY_S
        self._has_waited = False

    @property
    def is_active(self) -> bool:
        """Whether the fold has to ask before it folds more."""
        return self.behind > (CAUGHT_UP_RECORDS if self.limit else FAR_BEHIND_RECORDS)

    @property
    def has_credit(self) -> bool:
        """Whether it waits for nothing yet, because it has folded so little."""
        return self._debt < 0 and self.limit is None

    @property
    def allowed(self) -> float:
        """Events a second that may be folded while the throttle is active."""
        return self.limit or self.rate

    def note_live(self, now_s: float, p99_ms: float | None) -> None:
        """Adapts the rate to the p99 of live lists, in ms; None if it is not known."""
        is_stale = p99_ms is not None and self._live.is_stale(now_s, p99_ms)
        if is_stale and now_s - self._halved_at_s >= HALVED_EVERY_S:
            self.rate = max(RATE_MIN, self.rate / 2)
            self._halved_at_s = now_s
        elif not is_stale and self._has_waited:  # a rate that limits nothing needs not rise
            self.rate *= 1 + RISE_A_SECOND * min(1.0, now_s - self._rose_at_s)
        self._rose_at_s, self._has_waited = now_s, False

    def folded(self, now_s: float, events: int) -> None:
        """Notes that `events` were folded."""
        self._pay(now_s)
        self._debt += events

    def wait_s(self, now_s: float) -> float:
        """How long the next chunk has to wait, as of now."""
        self._pay(now_s)
        if not self.is_active or 0 <= self._debt < 1:
            self._debt = min(self._debt, 0.0)
        self._has_waited |= self._debt > 0
        return max(0.0, self._debt) / self.allowed

    def _pay(self, now_s: float) -> None:
        if self._debt > 0 or self.limit is not None:
            self._debt = max(0.0, self._debt - self.allowed * (now_s - self._paid_at_s))
        self._paid_at_s = now_s
