"""Reads listening history of any known format in order of time, for import or evaluation.

>>> plays = getfixture("tmp_path") / "plays.csv"
>>> _ = plays.write_text("user,track,ts\\nann,so what,1421163674\\nann,so what,yesterday\\n")
>>> for row in read_history([plays]):
...     print(row.reason if isinstance(row, BadRow) else (row.listener_id, row.track_id))
listened_at is not a time: 'yesterday'
('ann', 'history:so what')
"""

import time
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from streams.sources.files import OnBytes, Part, files_of, members_of, opened, owner_of, size_of
from streams.sources.formats.format_detection import (
    HEAD_BYTES,
    READERS,
    HistoryFormat,
    format_of,
    unknown,
)
from streams.sources.history.event_assembly import assembled
from streams.sources.history.play_sorter import PlaySorter
from streams.sources.plays import BadRow, HistoryRow, Ignored, ParsedRow, Play
from topics.errors import HistoryError

__all__ = ["BadRow", "History", "HistoryRow", "Ignored", "read_history"]

_BROKEN = (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError)


def read_history(
    paths: Sequence[Path],
    listener_id: str | None = None,
    *,
    now_ms: int | None = None,
    on_bytes: OnBytes = lambda _: None,
) -> Iterator[HistoryRow]:
    """Bad and ignored rows of `paths`, then their events in order of time; see `History`."""
    return History(paths, listener_id, now_ms=now_ms, on_bytes=on_bytes).rows()


class History:
    """The plays of files, folders and zip archives.

    `listener_id` is used if a file names no listener. `now_ms` (default: now) bounds the times of
    plays. `on_bytes` is called with the progress towards `total_bytes`.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        listener_id: str | None = None,
        *,
        now_ms: int | None = None,
        on_bytes: OnBytes = lambda _: None,
    ) -> None:
        self._paths = list(paths)
        self._listener_id = listener_id
        self._now_ms = now_ms if now_ms is not None else time.time_ns() // 1_000_000
        self._on_bytes = on_bytes
        self._parts: list[Part] = []
        self._plays = self._yielded = 0

    @property
    def total_bytes(self) -> int:
        """Size of all files in bytes; about the sum of all calls of `on_bytes`."""
        return size_of(self._paths)

    @property
    def share_read(self) -> float:
        """Share of the plays that `rows` has yielded; 0 while the files are still read."""
        return self._yielded / self._plays if self._plays else 0.0

    def rows(self) -> Iterator[HistoryRow]:
        """Yields bad and ignored rows as files are read, then all events in order of time.

        Raises `HistoryError` before the first event if a file cannot be read.
        """
        self._parts, self._yielded = [], 0
        with PlaySorter() as sorter:
            for row in self._parsed():
                if isinstance(row, Play):
                    sorter.add(row)
                else:
                    yield row
            self._plays = sorter.plays
            for each in assembled(sorter.in_order(), self._parts, now_ms=self._now_ms):
                self._yielded += 1
                yield each

    def _parsed(self) -> Iterator[ParsedRow]:
        for export, path in enumerate(self._paths):
            before = len(self._parts)
            for file in files_of(path):
                yield from self._rows_of_file(file, export, is_alone=file == path)
            if len(self._parts) == before:
                raise _nothing_known(str(path))

    def _rows_of_file(self, path: Path, export: int, *, is_alone: bool) -> Iterator[ParsedRow]:
        try:
            with opened(path, self._on_bytes) as file:
                if format_of(_head_of(file)) is HistoryFormat.ZIP:
                    yield from self._rows_of_zip(file, export, str(path))
                else:
                    yield from self._rows_of(file, export, str(path), is_alone=is_alone)
        except _BROKEN as error:
            raise HistoryError(
                f"{path} cannot be read: {error}.", "Copy or export it again: it may be cut off."
            ) from error

    def _rows_of_zip(self, file: BinaryIO, export: int, name: str) -> Iterator[ParsedRow]:
        with zipfile.ZipFile(file) as archive:
            owner, before = owner_of(archive), len(self._parts)
            for entry in members_of(archive, name):
                with archive.open(entry) as member:
                    label = f"{name}: {entry.filename}"
                    yield from self._rows_of(cast(BinaryIO, member), export, label, owner=owner)
            if len(self._parts) == before:
                raise _nothing_known(name)

    def _rows_of(
        self,
        file: BinaryIO,
        export: int,
        name: str,
        *,
        is_alone: bool = False,
        owner: str | None = None,
    ) -> Iterator[ParsedRow]:
        head = _head_of(file)
        found = format_of(head)
        if found is None and is_alone:
            found = unknown(name, head)
        if found is None or found is HistoryFormat.ZIP:
            return
        part = Part(len(self._parts), export, name, self._listener_id or owner)
        self._parts.append(part)
        yield from READERS[found](file, part)


def _head_of(file: BinaryIO) -> bytes:
    head = file.read(HEAD_BYTES)
    file.seek(0)
    return head


def _nothing_known(name: str) -> HistoryError:
    return HistoryError(
        f"{name} holds no listening history that is known.",
        "Unpack it and name the files with plays in them.",
    )
