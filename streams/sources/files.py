"""Opens the files of a history: a path, a folder, or a zip archive, which may be hostile."""

import io
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, NamedTuple, cast

import orjson

from topics.errors import HistoryError

FOLDER_FILES_MAX = 10_000
ZIP_ENTRIES_MAX = 500
ZIP_MEMBER_BYTES_MAX = 500 * 1024 * 1024
NAME_THE_LISTENER = "Name the listener with --listener."
_OWNER_BYTES_MAX = 65_536
_IN_MEMORY_BYTES_MAX = 8 * 1024 * 1024

OnBytes = Callable[[int], object]
"""Is called with the number of bytes that were read since the last call, or gone back."""


class Part(NamedTuple):
    """One file to read: a single one, or a member of a folder or zip archive."""

    number: int
    export: int
    """Number of the given path; all parts of one path are one export."""
    name: str
    listener_id: str | None
    """The listener, if known without reading the rows."""


def without_listener(part: Part) -> HistoryError:
    """The error if neither the file nor the user names a listener."""
    return HistoryError(f"{part.name} does not name a listener.", NAME_THE_LISTENER)


class _CountedFile(io.RawIOBase):
    """A file that reports how many bytes were read."""

    def __init__(self, path: Path, on_bytes: OnBytes) -> None:
        self._file = path.open("rb", buffering=0)
        self._on_bytes = on_bytes

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        before = self._file.tell()
        self._on_bytes(self._file.seek(offset, whence) - before)
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        read = self._file.readinto(buffer) or 0
        self._on_bytes(read)
        return read

    def close(self) -> None:
        self._file.close()
        super().close()


@contextmanager
def opened(path: Path, on_bytes: OnBytes) -> Iterator[BinaryIO]:
    """Opens the file at `path`; `on_bytes` counts what is read."""
    with io.BufferedReader(_CountedFile(path, on_bytes), 1 << 18) as file:
        yield cast(BinaryIO, file)


def files_of(path: Path) -> list[Path]:
    """`path` itself, or, if it is a folder, the files in it in order of name."""
    if path.is_dir():
        found = [
            *islice((each for each in path.rglob("*") if each.is_file()), FOLDER_FILES_MAX + 1)
        ]
        if len(found) > FOLDER_FILES_MAX:
            raise HistoryError(
                f"{path} has more than {FOLDER_FILES_MAX:,} files, which no export has.",
                "Give the export's own folder.",
            )
        return sorted(found)
    if not path.exists():
        raise HistoryError(f"There is no file {path}.", "Check the path.")
    if not path.is_file():
        raise HistoryError(f"{path} is a pipe or a device, not a file.", "Save it as a file first.")
    return [path]


def size_of(paths: list[Path]) -> int:
    """Size of all files together, in bytes."""
    return sum(file.stat().st_size for path in paths for file in files_of(path))


_PLAYS_OF_APPLE = re.compile(r"Apple Music Play Activity[^/]*\.csv$", re.IGNORECASE)
_SUMMARIES_OF_APPLE = re.compile(
    r"Apple Music - (?:Play History Daily Tracks|Track Play History|Recently Played [^/]*)\.csv$",
    re.IGNORECASE,
)


def summaries_among(names: Sequence[str]) -> set[str]:
    """The files that only repeat, by day or by track, plays that another file of `names` has.

    >>> sorted(summaries_among(["Apple Music Play Activity.csv", "a.csv",
    ...                         "x/Apple Music - Track Play History.csv"]))
    ['x/Apple Music - Track Play History.csv']
    """
    if not any(map(_PLAYS_OF_APPLE.search, names)):
        return set()
    return {name for name in names if _SUMMARIES_OF_APPLE.search(name)}


_OFFICE_MEMBERS = {"[Content_Types].xml", "META-INF/manifest.xml"}


def members_of(
    archive: zipfile.ZipFile, name: str, most: int = ZIP_ENTRIES_MAX
) -> list[zipfile.ZipInfo]:
    """The files of a zip archive; `HistoryError` if it is too large for an export (zip bomb).

    It may have `most` entries: those that are left of `ZIP_ENTRIES_MAX` in an archive around it.
    """
    if _OFFICE_MEMBERS & set(archive.namelist()):
        raise HistoryError(
            f"{name} is a spreadsheet or another office document.", "Save it as CSV."
        )
    entries = archive.infolist()
    if len(entries) > most:
        left = "" if most == ZIP_ENTRIES_MAX else f"the {most:,} that are left of "
        raise _too_large(name, f"has {len(entries):,} entries, more than {left}{ZIP_ENTRIES_MAX}")
    for entry in entries:
        if entry.file_size > ZIP_MEMBER_BYTES_MAX:
            raise _too_large(name, f"has an entry of {entry.file_size:,} bytes: {entry.filename}")
        if entry.flag_bits & 1:
            raise HistoryError(f"{name} is encrypted.", "Unpack it and import its folder.")
    return [entry for entry in entries if not entry.is_dir()]


@contextmanager
def unpacked(member: BinaryIO) -> Iterator[BinaryIO]:
    """A member of an archive as a file in which one can seek, in memory if it is not large."""
    with SpooledTemporaryFile(_IN_MEMORY_BYTES_MAX) as file:
        shutil.copyfileobj(member, file)
        file.seek(0)
        yield cast(BinaryIO, file)


def _too_large(name: str, what: str) -> HistoryError:
    return HistoryError(f"{name} {what}.", "Unpack it and import the files you trust.")


def owner_of(archive: zipfile.ZipFile) -> str | None:
    """The user name in the `user.json` of a ListenBrainz export."""
    if "user.json" not in archive.namelist():
        return None
    with archive.open("user.json") as file:
        try:
            user = orjson.loads(file.read(_OWNER_BYTES_MAX))
        except orjson.JSONDecodeError:
            return None
    name = user.get("username") if isinstance(user, dict) else None
    return name if isinstance(name, str) and name else None
