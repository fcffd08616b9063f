"""Snapshots as files of one folder: written atomically; only the newest few are kept."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from numpy.typing import NDArray

from streams.snapshots.snapshot_format import (
    Arrays,
    SnapshotHeader,
    packed,
    unpacked,
)
from topics.errors import NewerSnapshotError, SnapshotError

_log = structlog.get_logger(__name__)
_SUFFIX = ".snapshot"
_FOREIGN = ".foreign"
_PAUSE_BYTES, _PAUSE_S = 1 << 20, 0.003
"""After this number of bytes the thread pauses this long, so that other threads can run."""
_SYNC_BYTES = 16 << 20
"""Number of bytes after which data is synced, so that syncs of other processes wait for no more."""


class SnapshotFolder:
    """The snapshots of one recommender; names sort by log offset."""

    def __init__(self, folder: Path, *, keep: int) -> None:
        self.folder = folder
        self.keep = keep

    def paths(self) -> list[Path]:
        """Snapshots, newest first."""
        return sorted(self.folder.glob(f"*{_SUFFIX}"), reverse=True)

    def write(self, header: SnapshotHeader, arrays: Arrays) -> Path:
        """Writes a snapshot durably. Raises `SnapshotError` if the disk refuses."""
        path = self.folder / f"{header.offset:020d}{_SUFFIX}"
        part = path.with_suffix(".part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write_durably(part, path, packed(header, arrays))
        except OSError as error:
            with suppress(OSError):
                part.unlink()
            raise SnapshotError(
                f"Snapshot {path} could not be written: {error.strerror}.",
                "Learning goes on; free disk space, the next attempt follows automatically.",
            ) from error
        self._prune()
        return path

    def _prune(self) -> None:
        suffixes = (_FOREIGN, ".part", ".adopted")  # may contain listeners erased since
        leftovers = [path for each in suffixes for path in self.folder.glob(f"*{each}")]
        for path in [*self.paths()[self.keep :], *leftovers]:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                _log.warning("file not removed", file=str(path), error=error.strerror)

    def readable(self) -> Iterator[tuple[Path, SnapshotHeader, dict[str, NDArray[Any]]]]:
        """Undamaged snapshots, newest first; a damaged one is set aside, and that is logged.

        Raises `NewerSnapshotError` at a snapshot that only newer code can read.
        """
        for path in self.paths():
            try:
                yield path, *unpacked(path.read_bytes(), path.name)
            except NewerSnapshotError:
                raise
            except (SnapshotError, OSError) as error:
                self.set_aside(path, str(error))

    def set_aside(self, path: Path, why: str) -> None:
        """Renames a snapshot so that it is not read again; a disk that refuses is logged."""
        try:
            path.rename(path.with_suffix(_FOREIGN))
            _log.warning("snapshot set aside", snapshot=path.name, why=why)
        except FileNotFoundError:  # another process of this recommender has pruned it
            return
        except OSError as error:
            _log.error(
                "snapshot skipped, but not set aside",
                snapshot=path.name,
                why=why,
                error=error.strerror,
            )


def _write_durably(part: Path, path: Path, parts: Iterator[bytes]) -> None:
    with part.open("wb") as file:
        paused, synced = 0, 0
        for each in parts:
            file.write(each)
            if file.tell() - paused >= _PAUSE_BYTES:
                time.sleep(_PAUSE_S)
                paused = file.tell()
            if file.tell() - synced >= _SYNC_BYTES:
                file.flush()
                os.fdatasync(file.fileno())
                synced = file.tell()
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
