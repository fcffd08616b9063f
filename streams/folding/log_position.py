"""Positions in the learning-log: of a state, and of the digest that was taken of it."""

from dataclasses import dataclass
from typing import NamedTuple


class LogPosition(NamedTuple):
    """The record at `offset` of the log, the last one that a state has folded.

    >>> before, after = LogPosition(1, 900, "aa"), LogPosition(2, 40, "bb")
    >>> before.order < after.order
    True
    """

    log_epoch: int
    """It rises when the log loses its tail; offsets of different epochs are not comparable."""
    offset: int
    """-1 if no record was folded yet."""
    record_hash: str = ""
    """Hash of the record's bytes and time: distinguishes it from another one at this offset."""

    @property
    def order(self) -> tuple[int, int]:
        """The sort key of positions: the log epoch, then the offset."""
        return self.log_epoch, self.offset


@dataclass(frozen=True)
class Digest:
    """The digest of a state, and the log offset at which it was taken."""

    value: str | None = None
    """None if no digest was taken yet."""
    offset: int = -1
