"""Reads tables of plays in blocks of columns: Parquet, CSV and JSON.

`History` makes a Python object per row. Evaluation reads tables with ten million rows, so this
module reads columns instead. An irregular CSV (quotes, empty lines, lines of another length,
invalid UTF-8) raises `NotRegularError`; the caller then asks for it line by line.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from streams.sources.columnar.cells import Cells, plain
from streams.sources.files import Part
from streams.sources.formats import csv_table, json_table, parquet_table, spotify_export
from streams.sources.formats.column_roles import Role
from streams.sources.formats.csv_table import columns_and_delimiter, without_header
from streams.sources.formats.format_detection import HistoryFormat
from streams.sources.formats.parquet_table import DAMAGED, damaged
from streams.sources.formats.table_rows import (
    ROWS_INSPECTED,
    checked_roles,
    settled_roles,
    used_columns,
)

ROWS_A_BLOCK = 1 << 17
_BYTES_A_BLOCK = 1 << 23

TABLES = {
    HistoryFormat.PARQUET,
    HistoryFormat.CSV,
    HistoryFormat.JSON_LINES,
    HistoryFormat.JSON_ARRAY,
}
"""Formats that are tables."""


class NotRegularError(Exception):
    """The table has to be read line by line."""


class NotATableError(Exception):
    """No row of the file is an object, or they are of a service's export."""


@dataclass
class Block:
    """Consecutive rows of a table: the cells of each role's column, all of length `rows`."""

    first_row: int
    """Number of the first row in the table, from 1."""
    rows: int
    cells: dict[Role, Cells]
    bad: list[tuple[int, str]] = field(default_factory=list)
    """Bad rows (counted from 1) that are left out, and why."""
    at: NDArray[np.int64] | None = None
    """Positions of the rows from `first_row`, if some were left out."""

    def selected(self, positions: NDArray[np.int64]) -> "Block":
        """The block with the rows at `positions` only."""
        cells = {
            role: each.take(pa.array(positions))
            if isinstance(each, pa.Array)
            else [each[at] for at in positions.tolist()]
            for role, each in self.cells.items()
        }
        at = positions if self.at is None else self.at[positions]
        return replace(self, rows=len(positions), cells=cells, at=at)


@dataclass
class Table:
    """The column name of each role, and the blocks of the table."""

    columns: dict[Role, str]
    blocks: Iterator[Block]
    names: Sequence[str]
    """All columns of the file."""


def table_of(path: Path, kind: HistoryFormat, *, is_regular: bool = True) -> Table:
    """The table at `path`; `HistoryError` if its columns do not contain plays.

    Reading its blocks may raise `NotRegularError`, but not with `is_regular=False`.
    """
    if kind is HistoryFormat.PARQUET:
        return _parquet(path)
    if kind is HistoryFormat.CSV:
        return _csv(path) if is_regular else _csv_lines(path)
    return _json(path, is_array=kind is HistoryFormat.JSON_ARRAY)


# -- Parquet -------------------------------------------------------------------------------------


def _parquet(path: Path) -> Table:
    try:
        table = pq.ParquetFile(path)
        names = table.schema_arrow.names
        if spotify_export.is_extended(names):
            raise NotATableError
        checked_roles(names, str(path))
        used = used_columns(names)
        first = list(islice(parquet_table.cells_of(table, used), ROWS_INSPECTED))
    except DAMAGED as error:
        raise damaged(str(path), error) from error
    columns = _columns(used, first, path)
    return Table(columns, _parquet_blocks(path, table, columns), names)


def _columns(names: Sequence[str], first: Sequence[Any], path: Path) -> dict[Role, str]:
    roles = settled_roles(names, first, Part(0, 0, str(path), None))
    return {role: names[at] for role, at in roles.items()}


def _parquet_blocks(path: Path, table: pq.ParquetFile, columns: dict[Role, str]) -> Iterator[Block]:
    row = 1
    try:
        for batch in table.iter_batches(
            ROWS_A_BLOCK, columns=list(dict.fromkeys(columns.values()))
        ):
            at = {
                role: batch.schema.get_all_field_indices(name)[0] for role, name in columns.items()
            }
            cells = {role: plain(batch.column(position)) for role, position in at.items()}
            yield Block(row, len(batch), cells)
            row += len(batch)
    except DAMAGED as error:
        raise damaged(str(path), error) from error


# -- CSV -----------------------------------------------------------------------------------------


def _csv(path: Path) -> Table:
    header, lines = _header_and_lines(path)
    names, delimiter = columns_and_delimiter(header)
    if without_header(header) or not csv_table.is_header(header):
        raise NotRegularError
    with path.open("rb") as file:
        rows = islice(csv_table.table(file)[1], ROWS_INSPECTED)
        roles = settled_roles(
            names,
            [cells for _, cells in rows if not isinstance(cells, str)],
            Part(0, 0, str(path), None),
        )
    columns = {role: names[at] for role, at in roles.items()}
    return Table(columns, _csv_blocks(path, delimiter, len(names), roles, lines), names)


def _header_and_lines(path: Path) -> tuple[str, int]:
    """The first line, and how many lines follow that are not empty at the end.

    Raises `NotRegularError` for quotes and blank rows, which Arrow and Python read differently.
    """
    lines, tail = 0, b"\n"
    with path.open("rb") as file:
        try:
            header = file.readline().decode("utf-8-sig").rstrip("\r\n")
        except UnicodeDecodeError:
            raise NotRegularError from None
        while data := file.read(_BYTES_A_BLOCK):
            if b'"' in data or _BLANK_ROW.search(tail + data):
                raise NotRegularError
            lines += data.count(b"\n")
            tail = (tail + data[-2:])[-2:]
    return header, lines + (not tail.endswith(b"\n"))


_BLANK_ROW = re.compile(rb"\n[,;|\t ]+(?=[\r\n]|\Z)")


def _csv_blocks(
    path: Path, delimiter: str, width: int, roles: dict[Role, int], lines: int
) -> Iterator[Block]:
    row = 2  # the header is the first
    try:
        for batch in _csv_reader(path, delimiter, width, roles):
            at = {role: batch.schema.get_field_index(str(each)) for role, each in roles.items()}
            cells = {role: batch.column(position) for role, position in at.items()}
            yield Block(row, len(batch), cells)
            row += len(batch)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise NotRegularError from error
    if row - 2 != lines:
        raise NotRegularError


def _csv_reader(
    path: Path, delimiter: str, width: int, roles: dict[Role, int]
) -> Iterator[pa.RecordBatch]:
    """Batches of texts; a row of another length is an `ArrowInvalid`.

    Arrow could report such rows to Python instead, but from a thread that may outlive the reader.
    """
    names = [str(at) for at in range(width)]
    used = [str(at) for at in dict.fromkeys(roles.values())]
    reader = pa_csv.open_csv(
        path,
        pa_csv.ReadOptions(
            use_threads=False, block_size=_BYTES_A_BLOCK, column_names=names, skip_rows=1
        ),
        pa_csv.ParseOptions(delimiter=delimiter, quote_char=False),
        pa_csv.ConvertOptions(
            include_columns=used,
            column_types=dict.fromkeys(used, pa.string()),
            strings_can_be_null=False,
        ),
    )
    with reader:
        yield from reader


def _csv_lines(path: Path) -> Table:
    rows = _csv_rows(path)
    names = next(rows)
    first = list(islice(rows, ROWS_INSPECTED))
    sample = [cells for _, cells in first if not isinstance(cells, str)]
    roles = settled_roles(names, sample, Part(0, 0, str(path), None))
    columns = {role: names[at] for role, at in roles.items()}
    return Table(columns, _blocks_of(chain(first, rows), roles), names)


def _csv_rows(path: Path) -> Iterator[Any]:
    """The names of the columns, then the rows."""
    with path.open("rb") as file:
        names, rows = csv_table.table(file)
        yield names
        yield from rows


def _blocks_of(rows: Iterator[tuple[int, Any]], places: Mapping[Role, Any]) -> Iterator[Block]:
    """`places`: the key or index of each role's cell in a row."""
    while block := list(islice(rows, ROWS_A_BLOCK)):
        good = [values for _, values in block if not isinstance(values, str)]
        bad = [(row, reason) for row, reason in block if isinstance(reason, str)]
        cells = {role: [each[at] for each in good] for role, at in places.items()}
        yield Block(block[0][0], len(good), cells, bad)


# -- JSON ----------------------------------------------------------------------------------------


def _json(path: Path, *, is_array: bool) -> Table:
    rows = _objects(path, is_array)
    first = list(islice(rows, ROWS_INSPECTED))
    keys = list(dict.fromkeys(key for _, row in first if isinstance(row, dict) for key in row))
    if not keys:
        raise NotATableError
    names = used_columns(keys)
    sample = [[row.get(name) for name in names] for _, row in first if isinstance(row, dict)]
    columns = _columns(names, sample, path)
    return Table(columns, _blocks_of(map(_complete, chain(first, rows)), columns), keys)


def _complete(row: tuple[int, dict[str, Any] | str]) -> tuple[int, Any]:
    """The row with None for missing keys, because not all objects have all keys."""
    return row[0], row[1] if isinstance(row[1], str) else defaultdict(_nothing, row[1])


def _nothing() -> None:
    return None


def _objects(path: Path, is_array: bool) -> Iterator[tuple[int, dict[str, Any] | str]]:
    with path.open("rb") as file:
        yield from _objects_of(file, path, is_array)


def _objects_of(
    file: BinaryIO, path: Path, is_array: bool
) -> Iterator[tuple[int, dict[str, Any] | str]]:
    return json_table.rows_of_array(file, str(path)) if is_array else json_table.rows_of_lines(file)
