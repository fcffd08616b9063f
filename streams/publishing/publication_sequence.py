"""The numbered publications of one owner, and what a store at an earlier one lacks."""

from collections import deque

from streams.folding.log_position import LogPosition
from streams.lists.frontier import Frontier, frontier_at

REPAIRS_MAX = 100
"""So many repairs are remembered: a store that fell back to before them gets every list."""


class PublicationSequence:
    """Counts the publications of one owner, and remembers which of them were repairs.

    A repair is a publication with more than the lists that changed since the one before it: those
    of everybody who changed after an earlier log offset.

    >>> sequence = PublicationSequence(owner=2, made_by="", serial=7)
    >>> repair = sequence.next(LogPosition(0, 90), agreed=6, repairs_after=30)
    >>> repair.serial, repair.missing_after
    (8, 30)
    >>> sequence.lacking(repair._replace(serial=7))
    30
    >>> sequence.lacking(repair._replace(as_of=95, serial=9))
    95
    >>> sequence.lacking(repair._replace(serial=7, owner=1))
    -1
    """

    def __init__(self, owner: int, made_by: str, serial: int = 0) -> None:
        self.owner = owner
        self.made_by = made_by
        self.serial = serial
        self._repairs: deque[tuple[int, int]] = deque(maxlen=REPAIRS_MAX)
        self._forgotten_up_to = -1

    def next(self, position: LogPosition, agreed: int, repairs_after: int | None) -> Frontier:
        """The frontier of the next publication, as of `position`.

        Both stores have everything up to the serial `agreed`. Where it is a repair, it has the
        lists of everybody who changed after the log offset `repairs_after`.
        """
        self.serial += 1
        if repairs_after is not None:
            self._remember(repairs_after)
        return frontier_at(position)._replace(
            serial=self.serial,
            missing_after=self._repaired_after(agreed),
            owner=self.owner,
            agreed=agreed,
            made_by=self.made_by,
        )

    def _remember(self, after: int) -> None:
        if len(self._repairs) == REPAIRS_MAX:
            self._forgotten_up_to = self._repairs[0][0]
        self._repairs.append((self.serial, after))

    def lacking(self, found: Frontier) -> int:
        """After which log offset a store at `found` may lack lists; -1 where nobody knows."""
        if found.owner != self.owner:
            return -1
        repaired_after = self._repaired_after(found.serial)
        reached = found.complete_up_to
        return reached if repaired_after is None else min(reached, repaired_after)

    def _repaired_after(self, serial: int) -> int | None:
        """The smallest log offset of the repairs beyond publication `serial`, if there are any."""
        if serial < self._forgotten_up_to:
            return -1
        return min((after for at, after in self._repairs if at > serial), default=None)
