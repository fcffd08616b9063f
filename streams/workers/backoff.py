"""When a process that has ended is started again: after waits that double while it keeps ending."""

from dataclasses import dataclass

RESTART_FIRST_S = 0.5
RESTART_MAX_S = 15.0
STEADY_S = 60.0
"""A process that ran this long is restarted after the shortest wait (backoff is reset)."""


@dataclass
class Backoff:
    """The waits of one process; times are of a monotonic clock, in seconds."""

    started_at: float
    wait_s: float = RESTART_FIRST_S
    restart_at: float | None = None

    def is_news(self, now: float) -> bool:
        """Notes that the process has ended; False if that was noted before."""
        if self.restart_at is not None:
            return False
        ran_steadily = now - self.started_at > STEADY_S
        self.wait_s = RESTART_FIRST_S if ran_steadily else self.wait_s
        self.restart_at = now + self.wait_s
        return True

    def is_over(self, now: float) -> bool:
        """Whether the wait after the end is over."""
        return self.restart_at is not None and now >= self.restart_at

    def note_start(self, now: float) -> None:
        """Notes that the process is started again."""
        self.wait_s = min(2 * self.wait_s, RESTART_MAX_S)
        self.started_at, self.restart_at = now, None
