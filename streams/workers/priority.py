"""The scheduling priority (niceness) of the thread that folds."""

import os
import resource
from contextlib import suppress
from pathlib import Path

BACKGROUND = 10
"""Niceness of a fold that gives way to live ones."""
_NICE_LEAST = 20
"""A process may go down to this niceness minus its limit RLIMIT_NICE."""
_CAP_SYS_NICE = 1 << 23
_STATUS = Path("/proc/self/status")


class Priority:
    """Lowers the priority of the calling thread, and restores it.

    An ordinary process may lower its priority and never raise it again. So it is lowered only if it
    can be restored, or if that will not be asked for.
    """

    def __init__(self) -> None:
        self._before = os.getpriority(os.PRIO_PROCESS, 0)
        self._can_restore = can_restore(self._before)
        self.is_lowered = False

    def lower(self, *, is_for_good: bool) -> None:
        """Lowers it if it can be restored, or `is_for_good` says that it need not be."""
        if not self.is_lowered and (is_for_good or self._can_restore):
            os.setpriority(os.PRIO_PROCESS, 0, max(self._before, BACKGROUND))
            self.is_lowered = True

    def restore(self) -> None:
        """Restores it if it can be."""
        if self.is_lowered and self._can_restore:
            with suppress(PermissionError):
                os.setpriority(os.PRIO_PROCESS, 0, self._before)
                self.is_lowered = False


def can_restore(niceness: int) -> bool:
    """Whether this process may raise its priority to `niceness` again."""
    limit = getattr(resource, "RLIMIT_NICE", None)
    if limit is not None and resource.getrlimit(limit)[0] >= _NICE_LEAST - niceness:
        return True
    with suppress(OSError, StopIteration, ValueError):
        lines = _STATUS.read_text().splitlines()
        effective = next(each for each in lines if each.startswith("CapEff:"))
        return bool(int(effective.split()[1], 16) & _CAP_SYS_NICE)
    return False
