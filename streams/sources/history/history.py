"""Reads listening history of any known format in order of time, for import or evaluation.

>>> plays = getfixture("tmp_path") / "plays.csv"
>>> _ = plays.write_text("user,track,ts\\nann,so what,1421163674\\nann,so what,yesterday\\n")
>>> for row in read_history([plays]):
...     print(row.reason if isinstance(row, BadRow) else (row.listener_id, row.track_id))
listened_at is not a time: 'yesterday'
('ann', 'history:so what')
"""

import re
import time
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from streams.sources.files import (
    NAME_THE_LISTENER,
    ZIP_ENTRIES_MAX,
    OnBytes,
    Part,
    files_of,
    members_of,
    opened,
    owner_of,
    size_of,
    summaries_among,
    unpacked,
)
from streams.sources.formats.format_detection import (
    HEAD_BYTES,
    NO_HISTORY,
    PDF,
    READERS,
    HistoryFormat,
    encoding_of,
    foreign_kind,
    format_of,
    unknown,
)
from streams.sources.formats.text_encoding import WINDOWS_1252, in_utf_8
from streams.sources.history.event_assembly import Scrobbler, assembled, scrobbler_of
from streams.sources.history.play_sorter import PlaySorter
from streams.sources.plays import BadRow, HistoryRow, Ignored, ParsedRow, Play, Skipped
from topics.errors import HistoryError
from topics.listening_event import ListeningEvent

__all__ = ["BadRow", "History", "HistoryRow", "Ignored", "Skipped", "look_at", "read_history"]

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

    `listener_id` is used if a file names no listener. Given `owner`, all plays are theirs, whomever
    the files name, as a service knows its user by another name; but they may name one at most.
    `now_ms` (default: now) bounds the times of plays. `on_bytes` is called with the progress
    towards `total_bytes`.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        listener_id: str | None = None,
        *,
        owner: str | None = None,
        now_ms: int | None = None,
        on_bytes: OnBytes = lambda _: None,
    ) -> None:
        self._paths = list(paths)
        self._listener_id = owner or listener_id
        self._owner = owner
        self._named: str | None = None
        self._now_ms = now_ms if now_ms is not None else time.time_ns() // 1_000_000
        self._on_bytes = on_bytes
        self._parts: list[Part] = []
        self._damaged: set[int] = set()
        """Numbers of the parts whose checksum is wrong; none of their plays is kept."""
        self._plays = self._yielded = 0
        self._entries_left = ZIP_ENTRIES_MAX

    @property
    def total_bytes(self) -> int:
        """Size of all files in bytes; about the sum of all calls of `on_bytes`."""
        return size_of(self._paths)

    @property
    def share_read(self) -> float:
        """Share of the plays that `rows` has yielded; 0 while the files are still read."""
        return self._yielded / self._plays if self._plays else 0.0

    def rows(self) -> Iterator[HistoryRow]:
        """Yields what is left out as files are read, then all events in order of time.

        Raises `HistoryError` before the first event if a file cannot be read. Events of an export
        of EchoTune have an order and ids of their own: they are yielded as they are read.
        """
        self._parts, self._damaged, self._yielded = [], set(), 0
        scrobblers = set[Scrobbler]()
        with PlaySorter() as sorter:
            for row in self._parsed():
                if isinstance(row, Play):
                    scrobblers.add(scrobbler_of(row, self._parts[row.part]))
                    sorter.add(self._owned(row))
                else:
                    yield row
            self._plays = sorter.plays
            plays = (play for play in sorter.in_order() if play.part not in self._damaged)
            is_one = len(scrobblers) <= 1
            for each in assembled(
                plays, self._parts, now_ms=self._now_ms, is_of_one_scrobbler=is_one
            ):
                self._yielded += 1
                yield each

    def rows_in_order_of_files(self) -> Iterator[ParsedRow]:
        """Yields rows as they are read."""
        self._parts, self._damaged = [], set()
        return self._parsed()

    def _owned(self, play: Play) -> Play:
        """The play of the owner, if there is one."""
        if self._owner is None:
            return play
        if play.listener_id not in {self._owner, self._named or play.listener_id}:
            raise HistoryError(
                "The file holds plays of several listeners.", "Choose a file of yours alone."
            )
        if play.listener_id != self._owner:
            self._named = play.listener_id
        return play._replace(listener_id=self._owner)

    def _parsed(self) -> Iterator[ParsedRow]:
        for export, path in enumerate(self._paths):
            before, skipped = len(self._parts), list[Skipped]()
            is_alone = not path.is_dir()
            files = files_of(path)
            summaries = summaries_among([str(each) for each in files])
            for file in files:
                rows = self._rows_of_file(file, export, is_alone=is_alone)
                if str(file) in summaries:
                    rows = iter([Skipped(f"{file}{_REPEATS}")])
                for row in rows if is_alone else _or_skipped(rows):
                    if isinstance(row, Skipped):
                        skipped.append(row)
                    yield row
            if len(self._parts) == before:
                raise _nothing_known(str(path), skipped)

    def _rows_of_file(self, path: Path, export: int, *, is_alone: bool) -> Iterator[ParsedRow]:
        with _explained(str(path)), opened(path, self._on_bytes) as file:
            if format_of(_head_of(file)) is HistoryFormat.ZIP:
                self._entries_left = ZIP_ENTRIES_MAX
                yield from self._rows_of_zip(file, export, str(path))
            else:
                yield from self._rows_of(file, export, str(path), is_alone=is_alone)

    def _rows_of_zip(
        self, file: BinaryIO, export: int, name: str, *, is_inner: bool = False
    ) -> Iterator[ParsedRow]:
        with zipfile.ZipFile(file) as archive:
            owner, before, skipped = owner_of(archive), len(self._parts), list[Skipped]()
            damaged = len(self._damaged)
            entries = members_of(archive, name, self._entries_left)
            self._entries_left -= len(archive.infolist())
            summaries = summaries_among([entry.filename for entry in entries])
            for entry in entries:
                label = f"{name}: {entry.filename}"
                rows = self._rows_of_member(archive, entry, export, label, owner, is_inner=is_inner)
                if entry.filename in summaries:
                    rows = iter([Skipped(f"{label}{_REPEATS}")])
                for row in _or_skipped(rows):
                    if isinstance(row, Skipped):
                        skipped.append(row)
                    yield row
            if len(self._parts) - before == len(self._damaged) - damaged:
                raise _nothing_known(name, skipped)

    def _rows_of_member(
        self,
        archive: zipfile.ZipFile,
        entry: zipfile.ZipInfo,
        export: int,
        label: str,
        owner: str | None,
        *,
        is_inner: bool,
    ) -> Iterator[ParsedRow]:
        part = len(self._parts)
        try:
            with _explained(label), archive.open(entry) as opened_member:
                member = cast(BinaryIO, opened_member)
                if is_inner or format_of(_head_of(member)) is not HistoryFormat.ZIP:
                    yield from self._rows_of(member, export, label, owner=owner)
                    return
                with unpacked(member) as file:
                    yield from self._rows_of_zip(file, export, label, is_inner=True)
        except HistoryError as error:
            if isinstance(error.__cause__, _BROKEN):
                self._damaged.update(range(part, len(self._parts)))
            raise

    def _rows_of(
        self,
        file: BinaryIO,
        export: int,
        name: str,
        *,
        is_alone: bool = False,
        owner: str | None = None,
    ) -> Iterator[ParsedRow]:
        codec = encoding_of(_head_of(file), file)
        if codec is None:
            yield from self._rows_of_utf_8(file, export, name, is_alone=is_alone, owner=owner)
            return
        if codec == WINDOWS_1252:
            yield Skipped(f"{name} as UTF-8, but as Windows-1252: its names are no UTF-8")
        with in_utf_8(file, codec) as text:
            yield from self._rows_of_utf_8(text, export, name, is_alone=is_alone, owner=owner)

    def _rows_of_utf_8(
        self, file: BinaryIO, export: int, name: str, *, is_alone: bool, owner: str | None
    ) -> Iterator[ParsedRow]:
        head = _head_of(file)
        found = format_of(head)
        if found is None and is_alone:
            found = unknown(name, head)
        if found is None or found is HistoryFormat.ZIP:
            if why := _why_skipped(name, head):
                yield Skipped(why)
            return
        part = Part(len(self._parts), export, name, self._listener_id or owner)
        self._parts.append(part)
        yield from READERS[found](file, part)


_REPEATS = " repeats plays of another file, by day or by track."


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Raises `HistoryError` for errors of a damaged file, or one that is packed unusually."""
    try:
        yield
    except NotImplementedError as error:
        raise HistoryError(
            f"{name} is packed in a way that cannot be read: {error}.",
            "Unpack it and import its folder.",
        ) from error
    except _BROKEN as error:
        raise HistoryError(
            f"{name} cannot be read: {error}.", "Copy or export it again: it may be cut off."
        ) from error


def _or_skipped(rows: Iterator[ParsedRow]) -> Iterator[ParsedRow]:
    """`rows` of one file among others: if it is broken, it is skipped from there on."""
    try:
        yield from rows
    except HistoryError as error:
        if error.remedy == NAME_THE_LISTENER:
            raise
        yield Skipped(str(error))


_SOUNDS_LIKE_HISTORY = re.compile(
    r"history|endsong|listen|scrobbl|plays|played|recent_?tracks", re.IGNORECASE
)


def _why_skipped(name: str, head: bytes) -> str:
    """Why a file that may hold plays is not read; empty if it is none of them."""
    file = name.rsplit(": ", 1)[-1].rsplit("/", 1)[-1]  # a member, without its archive's name
    if file.startswith(".") or "__MACOSX" in name:
        return ""
    if format_of(head) is HistoryFormat.ZIP:
        return f"{name} is an archive in an archive in an archive. Unpack it."
    kind = foreign_kind(head)
    may_hold_plays = _SOUNDS_LIKE_HISTORY.search(file) and not head.startswith(PDF)
    if kind and (kind[1] != NO_HISTORY or may_hold_plays):
        return f"{name} is {kind[0]}. {kind[1]}"
    if may_hold_plays and not kind:
        return f"{name} is no listening history that is known."
    return ""


def _head_of(file: BinaryIO) -> bytes:
    head = file.read(HEAD_BYTES)
    file.seek(0)
    return head


def _nothing_known(name: str, skipped: Sequence[Skipped] = ()) -> HistoryError:
    others = "".join(f" {each}" for each in skipped[:_SKIPPED_SHOWN])
    return HistoryError(
        f"{name} holds no listening history that is known.{others}",
        "Unpack it and name the files with plays in them.",
    )


_SKIPPED_SHOWN = 3


def look_at(paths: Sequence[Path], listener_id: str | None = None) -> None:
    """Raises `HistoryError` if `paths` hold no play; reads no further than the first one."""
    first_bad: BadRow | None = None
    for row in History(paths, listener_id).rows_in_order_of_files():
        if isinstance(row, Play | ListeningEvent):
            return
        if first_bad is None and isinstance(row, BadRow):
            first_bad = row
    why = f" The first bad row is {first_bad}." if first_bad else ""
    raise HistoryError(f"No row is a play.{why}", "Correct the rows, or give other files.")
