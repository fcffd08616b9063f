"""Reads plays of any known format into columns, for evaluation.

Tables are read column by column. A track is identified by the table's own track id, or else by the
recording's MBID, or else by artist and title, as in an import. All other formats (exports of
services, zip archives) are read by `History`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.sources.columnar.cells import UNKNOWN, Cells, TextCodes, flags, lengths_ms
from streams.sources.columnar.history_columns import read_history_columns
from streams.sources.columnar.play_columns import PlayBuffer, PlayColumns, ReadingReport
from streams.sources.columnar.play_rewards import rewards_of_listens
from streams.sources.columnar.table_blocks import TABLES, Block, NotRegularError, Table, table_of
from streams.sources.columnar.table_units import TableUnits
from streams.sources.columnar.track_codes import TrackCodes
from streams.sources.files import Part, files_of, without_listener
from streams.sources.formats.column_roles import Role
from streams.sources.formats.format_detection import HistoryFormat, recognise
from streams.sources.history.history import BadRow
from topics.errors import HistoryError

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
        return _read_tables(tables, listener_id, on_rows, is_regular=True)
    except NotRegularError:
        return _read_tables(tables, listener_id, on_rows, is_regular=False)


def _read_tables(
    tables: list[tuple[Path, HistoryFormat]],
    listener_id: str | None,
    on_rows: OnRows,
    *,
    is_regular: bool,
) -> tuple[PlayColumns, ReadingReport]:
    reader = _TableReader(listener_id, on_rows)
    for path, kind in tables:
        reader.read(path, table_of(path, kind, is_regular=is_regular))
    return reader.plays(), reader.report


def _tables(paths: Sequence[Path]) -> list[tuple[Path, HistoryFormat]] | None:
    """Each file with its format; None unless all of them are tables."""
    found = []
    for path in paths:
        for file in files_of(path):
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
        self._has_scored = False

    def read(self, path: Path, table: Table) -> None:
        """Adds the plays of one table."""
        roles = _used_roles(set(table.columns), path, self._listener_id)
        self._has_scored |= Role.SCORED in roles
        units: TableUnits | None = None
        for block in table.blocks:
            if units is None and block.rows:
                units = TableUnits(block.cells)
                found = {units.role_of(r): name for r, name in table.columns.items() if r in roles}
                self.report.columns |= {r.name.lower(): name for r, name in found.items()}
            if units is not None:
                self._add(path, block, units.roled(block.cells), units)
            for row, reason in block.bad:
                self.report.leave_out(BadRow(str(path), row, reason))
            self.report.rows += block.rows + len(block.bad)
            self._on_rows(self.report.rows)

    def plays(self) -> PlayColumns:
        """All plays of all tables."""
        return self._columns.plays(has_scored=self._has_scored)

    def _add(self, path: Path, block: Block, cells: dict[Role, Cells], units: "TableUnits") -> None:
        listeners = self._listeners(cells, block.rows)
        tracks = self._names.tracks(cells, block.rows)
        at_ms = units.times_ms(cells)
        is_whole = (listeners >= 0) & (tracks >= 0) & (at_ms >= 0)
        if not is_whole.all():
            self._leave_out(path, block, listeners, tracks, at_ms)
        columns = (
            listeners,
            tracks,
            self._artists(cells, block.rows),
            at_ms,
            _rewards(cells, units, block.rows),
            self._scored(path, cells, block.rows),
        )
        self._columns.add(*(each[is_whole] for each in columns))

    def _listeners(self, cells: dict[Role, Cells], rows: int) -> NDArray[np.int32]:
        codes = self._columns.listeners
        for role in (Role.LISTENER, Role.SESSION):
            if role in cells:
                return codes.encode(cells[role])
        return np.full(rows, codes.code(self._listener_id), np.int32)

    def _artists(self, cells: dict[Role, Cells], rows: int) -> NDArray[np.int32]:
        for role in (Role.ARTIST_ID, Role.ARTIST_NAME):
            if role in cells:
                return self._columns.artists.encode(cells[role])
        return np.full(rows, UNKNOWN, np.int32)

    def _scored(self, path: Path, cells: dict[Role, Cells], rows: int) -> NDArray[np.bool_]:
        if Role.SCORED not in cells:
            return np.zeros(rows, np.bool_)
        try:
            return flags(cells[Role.SCORED])
        except ValueError as error:
            raise HistoryError(
                f"{path}: the column of what is scored {error}.", "Write 1 and 0 there."
            ) from error

    def _leave_out(self, path: Path, block: Block, *columns: NDArray[Any]) -> None:
        what = ("no listener", "no track: neither an id nor a name", "no time from 1970 to 2106")
        wrong = np.flatnonzero(np.min(columns, axis=0) < 0)
        for at in wrong.tolist():
            reason = next(why for why, column in zip(what, columns, strict=True) if column[at] < 0)
            self.report.leave_out(BadRow(str(path), block.first_row + at, reason))


def _used_roles(roles: set[Role], path: Path, listener_id: str | None) -> set[Role]:
    """The roles that are read; a session represents the listener if nothing else does."""
    if Role.LISTENER in roles or (listener_id is not None and Role.SESSION in roles):
        return roles - {Role.SESSION}
    if listener_id is None and Role.SESSION not in roles:
        raise without_listener(Part(0, 0, str(path), None))
    return roles


def _rewards(cells: dict[Role, Cells], units: TableUnits, rows: int) -> NDArray[np.float32]:
    def length(*roles: Role) -> NDArray[np.int32]:
        for role in roles:
            if role in cells:
                return lengths_ms(cells[role], units.scales[role])
        return np.full(rows, UNKNOWN, np.int32)

    reasons, words = np.full(rows, UNKNOWN, np.int32), TextCodes()
    if Role.REASON_END in cells:
        reasons = words.encode(cells[Role.REASON_END])
    return rewards_of_listens(
        length(Role.MS_PLAYED, Role.SECONDS_PLAYED, Role.PLAYTIME),
        length(Role.DURATION_MS, Role.DURATION),
        reasons,
        words.texts,
    )
