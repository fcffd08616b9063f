"""Reads CSV: UTF-8 with a header, fields separated by comma, semicolon, tab or bar.

Special cases: a truncated line, a quote that is never closed, and invalid UTF-8. Each of them makes
only its own rows bad.
"""

import csv
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from streams.sources.files import Part
from streams.sources.formats.column_roles import roles_of
from streams.sources.formats.json_stream import TOO_LONG, lines
from streams.sources.formats.table_rows import NumberedCells, checked_roles, plays_of_table
from streams.sources.plays import ParsedRow

_DELIMITERS = ",;\t|"
_QUOTE = '"'
_OPEN = "has a quote that is never closed"


def read(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of a CSV file."""
    columns, rows = table(file)
    return plays_of_table(rows, checked_roles(columns, part.name), part)


def table(file: BinaryIO) -> tuple[list[str], Iterator[NumberedCells]]:
    """Names of the columns, and the rows."""
    text = _Lines(file)
    header = text.header()
    delimiter = delimiter_of(header)
    columns = columns_of(header, delimiter)
    return columns, _cells(text, delimiter, len(columns))


def delimiter_of(header: str) -> str:
    """The delimiter that gives `header` the most known columns.

    >>> delimiter_of("user;track;ts")
    ';'
    """
    return max(_DELIMITERS, key=lambda each: len(roles_of(columns_of(header, each))))


def columns_of(header: str, delimiter: str) -> list[str]:
    """Column names of the first line; empty if it is no CSV."""
    with suppress(csv.Error):
        return next(csv.reader([header], delimiter=delimiter), [])
    return []


_Line = tuple[int, bytes | None]


class _Lines:
    """Lines as text, with invalid bytes as lone surrogates; counts rows and can rewind."""

    def __init__(self, file: BinaryIO) -> None:
        self._lines = lines(file)
        self._again: deque[_Line] = deque()
        self._taken: list[_Line] = []
        self.row = 0
        self.was_too_long = False

    def begin(self) -> None:
        """Starts a record: the lines that follow belong to it."""
        self._taken = []

    @property
    def continued(self) -> list[str]:
        """All lines of the record except the first."""
        return [_text(line) for _, line in self._taken[1:]]

    def keep_first(self) -> None:
        """Rewinds: the record is only its first line, and its other lines are read again."""
        self._again.extendleft(reversed(self._taken[1:]))
        self.row = self._taken[0][0]

    def header(self) -> str:
        """The first line."""
        return next(self, "").rstrip("\r\n")

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.row, line = self._again.popleft() if self._again else next(self._lines)
        self._taken.append((self.row, line))
        self.was_too_long = line is None
        return _text(line)


def _text(line: bytes | None) -> str:
    return "\n" if line is None else line.decode("utf-8", "surrogateescape")


def _cells(text: _Lines, delimiter: str, columns: int) -> Iterator[NumberedCells]:
    reader = csv.reader(text, delimiter=delimiter)
    while True:
        text.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            is_open = bool(text.continued)
            text.keep_first()
            yield text.row, _OPEN if is_open else f"is not CSV: {error}"
            continue
        if any(_begins_a_record(line, delimiter, columns) for line in text.continued):
            text.keep_first()
            yield text.row, _OPEN
        elif text.was_too_long:
            yield text.row, TOO_LONG
        elif cells:
            whole = len(cells) == columns
            yield text.row, cells if whole else f"has {len(cells)} fields, the header {columns}"


def _begins_a_record(line: str, delimiter: str, columns: int) -> bool:
    """Whether a line within quotes is a complete record, or leaves a quote open as well."""
    try:
        alone = next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        return "end of data" in str(error)
    return len(alone) == columns and line.count(_QUOTE) % 2 == 0  # an odd one closes the quotes
