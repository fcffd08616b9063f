"""Detects rows that the log has acknowledged and lost, so that they are sent again.

The log may lose an acknowledged batch: after a power cut, the part that was only in memory is gone.
Heartbeats of recommenders state the last folded log offset (`as_of`) and the first missing source
offset (`next`). Rows are lost if a fold has passed their batch without covering it, or if it stalls
below the rows that were sent. The source is then read again from `next`; rows that the fold has
already seen are ignored by its coverage.
"""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

STALL_FIRST_S = 10.0
STALL_MAX_S = 640.0
"""The stall timeout doubles up to this while rewinding does not help: then the fold is stuck."""
_HEARTBEATS_MIN = 2
_ACKNOWLEDGED_MAX = 10_000
"""Maximum number of chunks that are kept until the fold covers them; the oldest are dropped."""


class Acknowledged(NamedTuple):
    """An acknowledged chunk: its last source offset, and the log offset of its last batch."""

    to_offset: int
    log_offset: int


@dataclass
class _Stall:
    as_of: int
    folded: int
    since_s: float
    heartbeats: int = 1


class LostRowsDetector:
    """Watches one source partition over all epochs; times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._acknowledged: deque[Acknowledged] = deque(maxlen=_ACKNOWLEDGED_MAX)
        self._stall: _Stall | None = None
        self._patience_s = STALL_FIRST_S
        self._last_rewind = (-1, 0.0)

    def begin_epoch(self, start: int, log_end: int) -> None:
        """Begins to watch an epoch that reads from `start` while the log ends at `log_end`.

        All rows before `start` are in the log below `log_end`, or they are lost.
        """
        self._acknowledged.clear()
        self._acknowledged.append(Acknowledged(start - 1, log_end - 1))
        self._stall = None

    def acknowledged(self, to_offset: int, log_offset: int) -> None:
        """Notes a chunk that the log has acknowledged."""
        self._acknowledged.append(Acknowledged(to_offset, log_offset))

    def is_lost(self, now_s: float, as_of: int, folded: int, next_unacknowledged: int) -> bool:
        """Whether, after a heartbeat, the partition must be read again from `folded`.

        `folded` is the fold's `next` of this partition, and `as_of` is its log offset.
        `next_unacknowledged` is the first source offset that the log has not acknowledged.
        """
        self._forget_covered(folded)
        if folded >= next_unacknowledged:
            self._stall = None
            return False
        lost = self._was_skipped(now_s, as_of, folded) or self._has_stalled(now_s, as_of, folded)
        if lost:
            self._note_rewind(now_s, folded)
        return lost

    def _forget_covered(self, folded: int) -> None:
        while self._acknowledged and self._acknowledged[0].to_offset < folded:
            self._acknowledged.popleft()
        if folded > self._last_rewind[0]:
            self._patience_s = STALL_FIRST_S

    def _was_skipped(self, now_s: float, as_of: int, folded: int) -> bool:
        before, at_s = self._last_rewind
        if before == folded and now_s - at_s < self._patience_s:
            return False  # a recent rewind to the same offset did not help
        return bool(self._acknowledged) and as_of >= self._acknowledged[0].log_offset

    def _has_stalled(self, now_s: float, as_of: int, folded: int) -> bool:
        seen = self._stall
        if seen is None or (seen.as_of, seen.folded) != (as_of, folded):
            self._stall = _Stall(as_of, folded, now_s)
            return False
        seen.heartbeats += 1
        return seen.heartbeats > _HEARTBEATS_MIN and now_s - seen.since_s >= self._patience_s

    def _note_rewind(self, now_s: float, folded: int) -> None:
        if self._last_rewind[0] == folded:
            self._patience_s = min(STALL_MAX_S, 2 * self._patience_s)
        self._last_rewind = (folded, now_s)
