"""A lock that a server's process inherits, so that it is held exactly as long as the server runs.

A process is known by its pid, which means nothing in another container. The lock is seen wherever
the folder is: without it, two servers would run on the same data.
"""

import errno
import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from topics.errors import ServerError

_ENDS_WITHIN_S = 5.0
"""A server that is just ending holds its lock at most this long."""
_POLL_S = 0.05
_IS_HELD = (errno.EWOULDBLOCK, errno.EAGAIN)


@contextmanager
def server_lock(path: Path, title: str) -> Iterator[int]:
    """Takes the lock of a server; yields the descriptor that its process has to inherit.

    Raises `ServerError` if a process holds it that is not known here.
    """
    with path.open("a") as file:
        _take(file.fileno(), title)
        yield file.fileno()


def check_is_free(path: Path, title: str) -> None:
    """Raises `ServerError` if a server still holds its lock."""
    if path.exists():
        with path.open("a") as file:
            _take(file.fileno(), title)


def _take(descriptor: int, title: str) -> None:
    deadline = time.monotonic() + _ENDS_WITHIN_S
    while not _is_taken(descriptor):
        if time.monotonic() > deadline:
            raise ServerError(
                f"{title} of this home runs, but not where this process can see it "
                "(in another container?).",
                "Stop it there with `echotune down`, or set ECHOTUNE_HOME to another folder.",
            )
        time.sleep(_POLL_S)


def _is_taken(descriptor: int) -> bool:
    """Takes the lock if it is free; a file system that has no locks is used without."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _IS_HELD
    return True
