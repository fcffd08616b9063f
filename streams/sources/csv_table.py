"""CSV: a table of plays with a header, UTF-8, fields divided by comma, semicolon, tab or bar.

Traps: a line that is cut short, a quote that is never closed, bytes that are no UTF-8. Each costs
its own rows and no other.
"""

import csv
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from streams.sources.columns import roles_of
from streams.sources.files import Part
from streams.sources.json_reading import TOO_LONG, lines
from streams.sources.rows import ParsedRow
from streams.sources.tabular import NumberedCells, checked_roles, plays_of_table

_DELIMITERS = ",;\t|"


def read(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of a CSV file."""
    text = _Lines(file)
    header = text.header()
    delimiter = delimiter_of(header)
    columns = columns_of(header, delimiter)
    roles = checked_roles(columns, part.name)
    return plays_of_table(_cells(text, delimiter, len(columns)), roles, part)


def delimiter_of(header: str) -> str:
    """The delimiter by which `header` tells most.

    >>> delimiter_of("user;track;ts")
    ';'
    """
    return max(_DELIMITERS, key=lambda each: len(roles_of(columns_of(header, each))))


def columns_of(header: str, delimiter: str) -> list[str]:
    """Column names of the first line; none where it is no CSV."""
    with suppress(csv.Error):
        return next(csv.reader([header], delimiter=delimiter), [])
    return []


class _Lines:
    """Lines as text, invalid bytes as lone surrogates; knows where it is."""

    def __init__(self, file: BinaryIO) -> None:
        self._lines = lines(file)
        self.row = 0
        self.was_too_long = False

    def header(self) -> str:
        """The first line."""
        return next(self, "").rstrip("\r\n")

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.row, line = next(self._lines)
        self.was_too_long = line is None
        return "\n" if line is None else line.decode("utf-8", "surrogateescape")


def _cells(text: _Lines, delimiter: str, columns: int) -> Iterator[NumberedCells]:
    reader = csv.reader(text, delimiter=delimiter)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield text.row, f"is not CSV: {error}"
            continue
        if text.was_too_long:
            yield text.row, TOO_LONG
        elif cells:
            whole = len(cells) == columns
            yield text.row, cells if whole else f"has {len(cells)} fields, the header {columns}"
