"""Snapshots as files of one folder: written whole or not at all, the newest few are kept."""

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
_REST_BYTES, _REST_S = 1 << 20, 0.003
"""After so much the processor is others' for a while: nobody waits for a snapshot."""
_SYNC_BYTES = 16 << 20
"""What was written goes to the disk in such pieces: others that sync meanwhile wait for no more."""


class SnapshotFolder:
    """The snapshots of one recommender; names sort by log offset."""

    def __init__(self, folder: Path, *, keep: int) -> None:
        self.folder = folder
        self.keep = keep

    def paths(self) -> list[Path]:
        """Snapshots, newest first."""
        return sorted(self.folder.glob(f"*{_SUFFIX}"), reverse=True)

    def write(self, header: SnapshotHeader, arrays: Arrays) -> Path:
        """Writes a snapshot, durable when this returns; `SnapshotError` where the disk will not."""
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
                "Learning goes on; make room, the next attempt follows by itself.",
            ) from error
        self._prune()
        return path

    def _prune(self) -> None:
        lefts = (_FOREIGN, ".part", ".adopted")  # may hold whom the new one has forgotten
        left = [path for each in lefts for path in self.folder.glob(f"*{each}")]
        for path in [*self.paths()[self.keep :], *left]:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                _log.warning("file not removed", file=str(path), error=error.strerror)

    def readable(self) -> Iterator[tuple[Path, SnapshotHeader, dict[str, NDArray[Any]]]]:
        """Undamaged snapshots, newest first; a damaged one is set aside and said.

        Raises `NewerSnapshotError` at one that only newer code can read.
        """
        for path in self.paths():
            try:
                yield path, *unpacked(path.read_bytes(), path.name)
            except NewerSnapshotError:
                raise
            except (SnapshotError, OSError) as error:
                self.set_aside(path, str(error))

    def set_aside(self, path: Path, why: str) -> None:
        """Renames a snapshot so that it is not looked at again, where the disk lets it."""
        try:
            path.rename(path.with_suffix(_FOREIGN))
            _log.warning("snapshot set aside", snapshot=path.name, why=why)
        except FileNotFoundError:  # another process of this recommender has pruned it
            return
        except OSError as error:
            _log.error("snapshot passed over", snapshot=path.name, why=why, error=error.strerror)


def _write_durably(part: Path, path: Path, pieces: Iterator[bytes]) -> None:
    with part.open("wb") as file:
        rested, synced = 0, 0
        for piece in pieces:
            file.write(piece)
            if file.tell() - rested >= _REST_BYTES:
                time.sleep(_REST_S)
                rested = file.tell()
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
