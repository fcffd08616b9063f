"""Notices that the fold will never see what was sent, so that it is sent again.

The broker acknowledged a batch, yet the log may lose it: a power cut takes the tail that was only
in memory. Recommenders say how far they folded (`as_of`) and what they miss (`next`). A fold that
went past a batch of ours without covering it, or that stands still below what we sent, has lost
it: the source is read again from `next`. What it saw after all is masked by its coverage.
"""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

STALL_FIRST_S = 10.0
STALL_MAX_S = 640.0
"""Patience doubles up to this while going back does not help: the fold is stuck, not the log."""
_HEARTBEATS_MIN = 2
_ACKNOWLEDGED_MAX = 10_000
"""Chunks remembered until the fold covers them; of more only the newest are judged."""


class Acknowledged(NamedTuple):
    """A chunk that the log took: its last source offset, and where its last batch landed."""

    to_offset: int
    log_offset: int


@dataclass
class _Standstill:
    as_of: int
    folded: int
    since_s: float
    heartbeats: int = 1


class LostRowsDetector:
    """Watches one source partition over all epochs; times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._acknowledged: deque[Acknowledged] = deque(maxlen=_ACKNOWLEDGED_MAX)
        self._standstill: _Standstill | None = None
        self._patience_s = STALL_FIRST_S
        self._went_back = (-1, 0.0)

    def begin_epoch(self, start: int, log_end: int) -> None:
        """Begins to watch an epoch that reads from `start` while the log ends at `log_end`.

        Whatever precedes `start` lies below `log_end`, or it is lost.
        """
        self._acknowledged.clear()
        self._acknowledged.append(Acknowledged(start - 1, log_end - 1))
        self._standstill = None

    def acknowledged(self, to_offset: int, log_offset: int) -> None:
        """Notes a chunk that the log took."""
        self._acknowledged.append(Acknowledged(to_offset, log_offset))

    def is_lost(self, now_s: float, as_of: int, folded: int, sent: int) -> bool:
        """Judges a heartbeat: must the partition be read again from `folded`?

        `folded` is the fold's next of this partition and `as_of` its place in the log; `sent` is
        the first source offset that the log has not acknowledged.
        """
        self._forget_covered(folded)
        if folded >= sent:
            self._standstill = None
            return False
        lost = self._was_passed(now_s, as_of, folded) or self._stands_still(now_s, as_of, folded)
        if lost:
            self._go_back(now_s, folded)
        return lost

    def _forget_covered(self, folded: int) -> None:
        while self._acknowledged and self._acknowledged[0].to_offset < folded:
            self._acknowledged.popleft()
        if folded > self._went_back[0]:
            self._patience_s = STALL_FIRST_S

    def _was_passed(self, now_s: float, as_of: int, folded: int) -> bool:
        before, at_s = self._went_back
        if before == folded and now_s - at_s < self._patience_s:
            return False  # going back to the same place a moment ago did not help
        return bool(self._acknowledged) and as_of >= self._acknowledged[0].log_offset

    def _stands_still(self, now_s: float, as_of: int, folded: int) -> bool:
        seen = self._standstill
        if seen is None or (seen.as_of, seen.folded) != (as_of, folded):
            self._standstill = _Standstill(as_of, folded, now_s)
            return False
        seen.heartbeats += 1
        return seen.heartbeats > _HEARTBEATS_MIN and now_s - seen.since_s >= self._patience_s

    def _go_back(self, now_s: float, folded: int) -> None:
        if self._went_back[0] == folded:
            self._patience_s = min(STALL_MAX_S, 2 * self._patience_s)
        self._went_back = (folded, now_s)
