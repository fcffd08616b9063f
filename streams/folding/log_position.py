"""Places in the learning-log: where a state stands, and where its digest was taken."""

from dataclasses import dataclass
from typing import NamedTuple


class LogPosition(NamedTuple):
    """The record at `offset` of the log, the last one that a state has folded.

    >>> before, after = LogPosition(1, 900, "aa"), LogPosition(2, 40, "bb")
    >>> before.order < after.order
    True
    """

    log_epoch: int
    """Raised when the log loses its tail: offsets of two epochs do not compare."""
    offset: int
    """-1: no record was folded yet."""
    record_hash: str = ""
    """Hash of that record's bytes and time, which tells it from another one at the same offset."""

    @property
    def order(self) -> tuple[int, int]:
        """What orders two positions: the log epoch, then the offset."""
        return self.log_epoch, self.offset


@dataclass(frozen=True)
class Digest:
    """The digest of a state, and the log offset at which it was taken."""

    value: str | None = None
    """None: it was not taken yet."""
    offset: int = -1
