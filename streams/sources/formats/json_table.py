"""Reads JSON objects as rows of a table of plays: one per line, or the elements of an array.

Special case: objects may have different keys, so the columns are those of the first rows.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, BinaryIO

from streams.sources.files import Part
from streams.sources.formats.json_stream import objects_of_array, objects_of_lines
from streams.sources.formats.table_rows import (
    ROWS_INSPECTED,
    NumberedCells,
    plays_of_table,
    used_columns,
)
from streams.sources.plays import BadRow, ParsedRow

_Rows = Iterable[tuple[int, dict[str, Any] | str]]


def read_lines(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of JSON lines."""
    return _read(objects_of_lines(file), part)


def read_array(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of a JSON array of objects."""
    return _read(objects_of_array(file, part.name), part)


def _read(rows: _Rows, part: Part) -> Iterator[ParsedRow]:
    rest = iter(rows)
    first = list(islice(rest, ROWS_INSPECTED))
    keys = list(dict.fromkeys(key for _, row in first if isinstance(row, dict) for key in row))
    if first and not keys:
        return (
            BadRow(part.name, row, why if isinstance(why, str) else "is an empty object")
            for row, why in chain(first, rest)
        )
    used = used_columns(keys)
    cells = _cells(chain(first, rest), used)
    return plays_of_table(cells, used, part, unused=[key for key in keys if key not in used])


def _cells(rows: _Rows, keys: list[str]) -> Iterator[NumberedCells]:
    for row, value in rows:
        yield row, value if isinstance(value, str) else [value.get(key) for key in keys]
