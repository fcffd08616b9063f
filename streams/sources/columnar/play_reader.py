"""Reads plays of any known format into columns, for evaluation.

Tables are read column by column. A track is identified by artist and title, or else by the
recording's MBID, or else by the table's own track id, as in an import. All other formats (exports
of services, zip archives) are read by `History`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.sources.columnar.cells import (
    BROKEN,
    UNKNOWN,
    Cells,
    TextCodes,
    as_text_of_bool,
    flags,
    list_of,
)
from streams.sources.columnar.history_columns import read_history_columns
from streams.sources.columnar.play_columns import (
    PlayBuffer,
    PlayColumns,
    ReadingReport,
    is_in_another_file,
)
from streams.sources.columnar.play_rewards import rewards_of_listens
from streams.sources.columnar.table_blocks import (
    TABLES,
    Block,
    NotATableError,
    NotRegularError,
    Table,
    table_of,
)
from streams.sources.columnar.table_units import TableUnits
from streams.sources.columnar.track_codes import DerivedCodes, TrackCodes
from streams.sources.files import Part, files_of, summaries_among, without_listener
from streams.sources.formats.cell_values import known_names
from streams.sources.formats.column_roles import DESCRIBED, Role, owner_in
from streams.sources.formats.format_detection import HistoryFormat, recognise
from streams.sources.formats.row_kinds import (
    SKIPPED,
    UNREADABLE_KIND,
    is_yes,
    reason_end_of,
)
from streams.sources.formats.table_rows import (
    WHY_NO_PLAY,
    WORDS,
    artists_not_read,
    described_in,
    names_in,
)
from streams.sources.formats.times import joined
from streams.sources.history.event_assembly import BROKEN_TEXT, REPEATED
from streams.sources.history.history import BadRow
from topics.errors import HistoryError
from topics.identity import artist_id_of

_WRITE_FLAGS = "Write 1 and 0 there."
_NOT_ALLOWED = f"its text is too long or reserved, or {BROKEN_TEXT}"

OnRows = Callable[[int], object]
"""Is called with the number of rows that were read so far."""


def read_plays(
    paths: Sequence[Path],
    listener_id: str | None = None,
    *,
    on_rows: OnRows = lambda _: None,
) -> tuple[PlayColumns, ReadingReport]:
    """Plays of `paths` in order of time, and a report of the rows left out.

    `listener_id` is used if the files name no listener.
    """
    tables = _tables(paths)
    if tables is None:
        return read_history_columns(paths, listener_id, on_rows)
    try:
        plays, report = _read_tables(tables, listener_id, on_rows)
    except NotATableError:
        return read_history_columns(paths, listener_id, on_rows)
    except HistoryError as error:
        if error.remedy == _WRITE_FLAGS or not any(path.is_dir() for path in paths):
            raise
        return read_history_columns(paths, listener_id, on_rows)  # skips what is broken
    if plays.scored is not None:
        return plays, report
    once = plays.rows(~is_in_another_file(plays))
    if len(once) < len(plays):
        report.ignored[REPEATED] += len(plays) - len(once)
    return once.in_order(), report


def _read_tables(
    tables: list[tuple[Path, HistoryFormat]],
    listener_id: str | None,
    on_rows: OnRows,
    *,
    is_regular: bool = True,
) -> tuple[PlayColumns, ReadingReport]:
    reader = _TableReader(listener_id, on_rows)
    try:
        for path, kind in tables:
            reader.read(path, table_of(path, kind, is_regular=is_regular))
    except NotRegularError:
        return _read_tables(tables, listener_id, on_rows, is_regular=False)
    return reader.plays(), reader.report


def _tables(paths: Sequence[Path]) -> list[tuple[Path, HistoryFormat]] | None:
    """Each file with its format; None unless all of them are tables."""
    found = []
    for path in paths:
        files = files_of(path)
        if summaries_among([str(file) for file in files]):
            return None
        for file in files:
            kind = recognise(file) if file == path else _recognised(file)
            if kind not in TABLES:
                return None
            found.append((file, kind))
    return found or None


def _recognised(file: Path) -> HistoryFormat | None:
    try:
        return recognise(file)
    except HistoryError:
        return None


class _TableReader:
    """Reads tables one after the other; each table has its own units."""

    def __init__(self, listener_id: str | None, on_rows: OnRows) -> None:
        self.report = ReadingReport()
        self._listener_id = listener_id
        self._on_rows = on_rows
        self._columns = PlayBuffer()
        self._names = TrackCodes(self._columns.tracks)
        self._artist_names = DerivedCodes(self._columns.artists, _artist_id_of)
        self._file = -1
        self._owner = listener_id
        self._has_scored = False

    def read(self, path: Path, table: Table) -> None:
        """Adds the plays of one table."""
        self._file += 1
        self._owner = self._listener_id or owner_in(list(table.columns.values()))
        roles = _used_roles(set(table.columns), path, self._owner)
        self._has_scored |= Role.SCORED in roles
        if why := artists_not_read(roles, table.names, str(path)):
            self.report.skipped.append(why)
        units: TableUnits | None = None
        for block in map(_with_names, map(_with_clocks, table.blocks)):
            if units is None and block.rows:
                units = TableUnits(block.cells)
                found = {role: name for role, name in table.columns.items() if role in roles}
                self.report.columns |= {r.name.lower(): name for r, name in found.items()}
            if units is not None:
                self._add(path, self._plays_in(block, units), units)
            for row, reason in block.bad:
                self.report.leave_out(BadRow(str(path), row, reason))
            self.report.rows += block.rows + len(block.bad)
            self._on_rows(self.report.rows)

    def plays(self) -> PlayColumns:
        """All plays of all tables."""
        return self._columns.plays(has_scored=self._has_scored)

    def _plays_in(self, block: Block, units: TableUnits) -> Block:
        """The block without the rows that are no plays, which are counted by reason."""
        for role, why in WHY_NO_PLAY.items():
            if role in block.cells:
                block = self._without(block, role, why)
        if Role.SKIPPED not in block.cells:
            return block
        is_skip = _are_set(block.cells[Role.SKIPPED])
        is_skip &= units.played_ms(block.cells, block.rows) == UNKNOWN
        if skips := int(is_skip.sum()):
            self.report.ignored[SKIPPED] += skips
        return block.selected(np.flatnonzero(~is_skip)) if skips else block

    def _without(self, block: Block, role: Role, why: Callable[[Any], str | None]) -> Block:
        """The block without the rows whose cell of `role` says that they are no plays."""
        kinds = TextCodes()
        cells = block.cells[role]
        codes = kinds.encode(cells if role in WORDS else as_text_of_bool(cells))
        reasons = [why(text) for text in kinds.texts]
        for code, reason in enumerate(reasons):
            if reason and (count := int((codes == code).sum())):
                self.report.ignored[reason] += count
        is_broken = codes == BROKEN if role in WORDS else np.zeros(block.rows, np.bool_)
        if unreadable := int(is_broken.sum()):
            self.report.ignored[UNREADABLE_KIND] += unreadable
        is_play = np.array([*(reason is None for reason in reasons), True], np.bool_)[
            np.maximum(codes, UNKNOWN)
        ]
        kept = is_play & ~is_broken
        return block if kept.all() else block.selected(np.flatnonzero(kept))

    def _add(self, path: Path, block: Block, units: TableUnits) -> None:
        cells = block.cells
        listeners = self._listeners(cells, block.rows)
        tracks = self._names.tracks(cells, block.rows)
        at_ms = units.times_ms(cells)
        artists = self._artists(cells, block.rows)
        is_whole = (listeners >= 0) & (tracks >= 0) & (at_ms >= 0) & (artists != BROKEN)
        if not is_whole.all():
            broken = np.where(artists == BROKEN, BROKEN, np.maximum(artists, 0))
            self._leave_out(path, block, listeners, tracks, at_ms, broken)
        durations = units.duration_ms(cells, block.rows)
        columns = (
            listeners,
            tracks,
            artists,
            at_ms,
            _rewards(cells, units.played_ms(cells, block.rows), durations),
            self._scored(path, cells, block.rows),
            np.full(block.rows, self._file, np.int32),
            durations,
        )
        self._columns.add(*(each[is_whole] for each in columns))

    def _listeners(self, cells: dict[Role, Cells], rows: int) -> NDArray[np.int32]:
        codes = self._columns.listeners
        found = np.full(rows, UNKNOWN, np.int32)
        role = Role.LISTENER
        if Role.LISTENER not in cells and self._owner is None:
            role = Role.SESSION  # which stands for the listener if nothing else does
        if role in cells:
            found = codes.encode(cells[role])
        if self._owner is not None and (found == UNKNOWN).any():
            return np.where(found == UNKNOWN, codes.code_of_id(self._owner), found)
        return found

    def _artists(self, cells: dict[Role, Cells], rows: int) -> NDArray[np.int32]:
        found = np.full(rows, UNKNOWN, np.int32)
        if Role.ARTIST_NAME in cells:
            found = self._artist_names.encode(cells[Role.ARTIST_NAME])
        if Role.ARTIST_ID in cells and (found == UNKNOWN).any():
            own = np.maximum(self._columns.artists.encode(cells[Role.ARTIST_ID]), UNKNOWN)
            found = np.where(found == UNKNOWN, own, found)
        return found

    def _scored(self, path: Path, cells: dict[Role, Cells], rows: int) -> NDArray[np.bool_]:
        if Role.SCORED not in cells:
            return np.zeros(rows, np.bool_)
        try:
            return flags(cells[Role.SCORED])
        except ValueError as error:
            raise HistoryError(
                f"{path}: the column of what is scored {error}.", _WRITE_FLAGS
            ) from error

    def _leave_out(self, path: Path, block: Block, *columns: NDArray[Any]) -> None:
        what = (
            "no listener",
            "no track: neither an id nor a name",
            "no time from 2002-10-01 until now",
            "no artist",
        )
        wrong = np.flatnonzero(np.min(columns, axis=0) < 0)
        for at in wrong.tolist():
            why, column = next(each for each in zip(what, columns, strict=True) if each[1][at] < 0)
            reason = f"{why}: {_NOT_ALLOWED}" if column[at] == BROKEN else why
            row = block.first_row + (at if block.at is None else int(block.at[at]))
            self.report.leave_out(BadRow(str(path), row, reason))


def _with_clocks(block: Block) -> Block:
    """The block with the time of day beside the day, in one cell."""
    if Role.CLOCK not in block.cells:
        return block
    days, clocks = (list_of(block.cells[role]) for role in (Role.LISTENED_AT, Role.CLOCK))
    at = [joined(day, clock) for day, clock in zip(days, clocks, strict=True)]
    return replace(block, cells=block.cells | {Role.LISTENED_AT: at})


def _with_names(block: Block) -> Block:
    """The block with the names that descriptions tell, in columns of their own."""
    role = described_in(block.cells)
    if role is None:
        return block
    told = [names_in(each, role) for each in list_of(block.cells[role])]
    names = {of: [each[at] for each in told] for at, of in enumerate(DESCRIBED)}
    return replace(block, cells=names | block.cells)


def _artist_id_of(name: str) -> str | None:
    known, _ = known_names(name, None)
    return artist_id_of(known) if known else None


def _used_roles(roles: set[Role], path: Path, listener_id: str | None) -> set[Role]:
    """The roles that are read; a session represents the listener if nothing else does."""
    if Role.LISTENER in roles or (listener_id is not None and Role.SESSION in roles):
        return roles - {Role.SESSION}
    if listener_id is None and Role.SESSION not in roles:
        raise without_listener(Part(0, 0, str(path), None))
    return roles


def _are_set(cells: Cells) -> NDArray[np.bool_]:
    """Whether each flag is set; bool[n]."""
    words = TextCodes()
    codes = words.encode(as_text_of_bool(cells))
    return np.array([*map(is_yes, words.texts), False], np.bool_)[np.maximum(codes, UNKNOWN)]


def _rewards(
    cells: dict[Role, Cells], played: NDArray[np.int32], durations: NDArray[np.int32]
) -> NDArray[np.float32]:
    reasons, words = np.full(len(played), UNKNOWN, np.int32), TextCodes()
    if Role.REASON_END in cells:
        reasons = words.encode(cells[Role.REASON_END])
    texts = [reason_end_of(word, None) or "" for word in words.texts]
    if Role.SKIPPED in cells:
        by_flag = (reasons < 0) & _are_set(cells[Role.SKIPPED])
        reasons = np.where(by_flag, len(texts), reasons)
        texts.append(reason_end_of(None, True) or "")
    return rewards_of_listens(played, durations, reasons, texts)
