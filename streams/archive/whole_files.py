"""Files that appear whole, or not at all: written beside their place, and renamed at the end."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from topics.errors import ArchiveError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file that becomes `path` if the block ends without an error, and is deleted otherwise.

    Raises `ArchiveError` if the disk is full, or refuses.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        try:
            with part.open("wb") as file:
                yield file
                _sync(file)
            part.replace(path)
        except BaseException:  # also a Ctrl-C
            with suppress(OSError):
                part.unlink()
            raise
    except OSError as error:
        raise _unwritten(path, error) from error


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _unwritten(path: Path, error: OSError) -> ArchiveError:
    remedy = "Free disk space" if error.errno in _FULL else "Make the folder writable"
    return ArchiveError(
        f"{path} cannot be written: {error.strerror or error}.", f"{remedy}, or name another place."
    )
