"""Numbers the publications of one owner, and computes which lists a store behind is missing."""

from collections import deque

from streams.folding.log_position import LogPosition
from streams.lists.frontier import Frontier, frontier_at

REPAIRS_MAX = 100
"""Maximum number of repairs that are kept. A store that is further behind gets every list."""


class PublicationSequence:
    """The sequence numbers of one owner's publications, and the newest repairs among them.

    A repair has more than the lists that changed since the previous publication: it has the lists
    of all listeners that changed after an earlier log offset.

    >>> sequence = PublicationSequence(owner=2, made_by="", serial=7)
    >>> repair = sequence.next(LogPosition(0, 90), agreed=6, repairs_after=30)
    >>> repair.serial, repair.missing_after
    (8, 30)
    >>> sequence.missing_after(repair._replace(serial=7))
    30
    >>> sequence.missing_after(repair._replace(as_of=95, serial=9))
    95
    >>> sequence.missing_after(repair._replace(serial=7, owner=1))
    -1
    """

    def __init__(self, owner: int, made_by: str, serial: int = 0) -> None:
        self.owner = owner
        self.made_by = made_by
        self.serial = serial
        self._repairs: deque[tuple[int, int]] = deque(maxlen=REPAIRS_MAX)
        self._dropped_up_to = -1

    def next(self, position: LogPosition, agreed: int, repairs_after: int | None) -> Frontier:
        """The frontier of the next publication, as of `position`.

        Both stores have every publication up to the serial `agreed`. A repair has the lists of all
        listeners that changed after the log offset `repairs_after`, which is None otherwise.
        """
        self.serial += 1
        if repairs_after is not None:
            self._note_repair(repairs_after)
        return frontier_at(position)._replace(
            serial=self.serial,
            missing_after=self._repaired_after(agreed),
            owner=self.owner,
            agreed=agreed,
            made_by=self.made_by,
        )

    def _note_repair(self, after: int) -> None:
        if len(self._repairs) == REPAIRS_MAX:
            self._dropped_up_to = self._repairs[0][0]
        self._repairs.append((self.serial, after))

    def missing_after(self, found: Frontier) -> int:
        """The log offset after which a store at `found` may be missing lists; -1 if unknown."""
        if found.owner != self.owner:
            return -1
        repaired_after = self._repaired_after(found.serial)
        complete = found.complete_up_to
        return complete if repaired_after is None else min(complete, repaired_after)

    def _repaired_after(self, serial: int) -> int | None:
        """The smallest log offset of the repairs after publication `serial`; None without any."""
        if serial < self._dropped_up_to:
            return -1
        return min((after for at, after in self._repairs if at > serial), default=None)
