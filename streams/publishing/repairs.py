"""Which lists a store lacks that stands at an earlier publication than the newest."""

from collections import deque

from streams.lists.frontier import Frontier

REMEMBERED = 100
"""Whoever fell back to before so many repairs gets every list."""


class Repairs:
    """The publications of one owner that had more than what changed since the one before.

    >>> repairs = Repairs(owner=2)
    >>> repairs.note(serial=8, after=30)
    >>> stands_at = Frontier(0, 90, serial=7, owner=2)
    >>> repairs.lacking(stands_at)
    30
    >>> repairs.lacking(stands_at._replace(as_of=95, serial=9))
    95
    >>> repairs.lacking(stands_at._replace(owner=1))
    -1
    """

    def __init__(self, owner: int) -> None:
        self.owner = owner
        self._repairs: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)
        self._forgotten_up_to = -1

    def note(self, serial: int, after: int) -> None:
        """Publication `serial` has the lists of all who changed after the log offset `after`."""
        if len(self._repairs) == REMEMBERED:
            self._forgotten_up_to = self._repairs[0][0]
        self._repairs.append((serial, after))

    def lacking(self, found: Frontier) -> int:
        """After which log offset a store at `found` may lack lists; -1 where nobody knows."""
        if found.owner != self.owner:
            return -1
        repaired_after = self.since(found.serial)
        reached = found.complete_up_to
        return reached if repaired_after is None else min(reached, repaired_after)

    def since(self, serial: int) -> int | None:
        """The smallest `after` of the repairs beyond publication `serial`, if there are any."""
        if serial < self._forgotten_up_to:
            return -1
        return min((after for at, after in self._repairs if at > serial), default=None)
