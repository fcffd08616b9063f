"""Reads CSV: UTF-8 with a header, fields separated by comma, semicolon, tab or bar.

Special cases: a truncated line, a quote that is never closed, and invalid UTF-8. Each of them makes
only its own rows bad.
"""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from streams.sources.files import Part
from streams.sources.formats.cell_values import number_of, text_of
from streams.sources.formats.column_roles import Role, missing_of, roles_of
from streams.sources.formats.json_stream import TOO_LONG, lines
from streams.sources.formats.table_rows import NumberedCells, plays_of_table
from streams.sources.formats.times import time_ms_of
from streams.sources.plays import ParsedRow

_DELIMITERS = ",;\t|"
_QUOTE = '"'
_OPEN = "has a quote that is never closed"


def read(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of a CSV file."""
    columns, rows = table(file)
    return plays_of_table(rows, columns, part)


def objects(file: BinaryIO) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """The rows as objects, without the cells that hold nothing."""
    columns, rows = table(file)
    for row, cells in rows:
        if isinstance(cells, str):
            yield row, cells
        else:
            yield (
                row,
                {
                    key: text
                    for key, cell in zip(columns, cells, strict=True)
                    if (text := text_of(cell))
                },
            )


def table(file: BinaryIO) -> tuple[list[str], Iterator[NumberedCells]]:
    """Names of the columns, and the rows."""
    text = _Lines(file)
    header = text.header()
    columns, delimiter = columns_and_delimiter(header)
    if without_header(header):
        text.keep_first_line()
    return columns, _cells(text, delimiter, columns)


LINES_BEFORE_HEADER_MAX = 10


def _has_text(line: str) -> bool:
    """Whether a line is not blank, and does not only name a delimiter to Excel."""
    return bool(line.strip()) and not line.lower().startswith("sep=")


def is_header(line: str) -> bool:
    """Whether a line names columns with plays, or is a play of a table that has no header."""
    return not missing_of(roles_of(columns_and_delimiter(line.strip("\r\n "))[0]))


def columns_and_delimiter(header: str) -> tuple[list[str], str]:
    """The columns that the first line names, or those of a table without a header."""
    if found := without_header(header):
        return found
    delimiter = delimiter_of(header)
    return columns_of(header, delimiter), delimiter


WITHOUT_HEADER = (
    ("artist", "album", "track", "date"),
    ("timestamp", "track", "artist", "album", "track_mbid", "artist_mbid", "album_mbid"),
    ("date_created", "user_id", "item_id", "item_type", "item_description", "playback_method",
     "client_name", "device_name", "play_duration"),
)  # fmt: skip
"""The columns of programs that write no header: exporters of Last.fm, and of Libre.fm, and
Jellyfin's Playback Reporting."""


def without_header(line: str) -> tuple[list[str], str] | None:
    """The columns and the delimiter if `line` is a play of a table without a header.

    >>> without_header("Nina,Pastel Blues,Sinnerman,01 Mar 2024 10:00")
    (['artist', 'album', 'track', 'date'], ',')
    """
    for delimiter in _DELIMITERS:
        cells = columns_of(line, delimiter)
        if not missing_of(roles_of(cells)):
            continue
        for names in WITHOUT_HEADER:
            if len(cells) == len(names) and _is_time(cells[roles_of(names)[Role.LISTENED_AT]]):
                return list(names), delimiter
    return None


def _is_time(cell: str) -> bool:
    with suppress(ValueError):
        number = number_of(cell)
        return time_ms_of(cell) > 0 and (number is None or number > _A_TIME_FROM_S)
    return False


_A_TIME_FROM_S = 1_000_000_000


def delimiter_of(header: str) -> str:
    """The delimiter that gives `header` the most known columns.

    >>> delimiter_of("user;track;ts")
    ';'
    """
    return max(_DELIMITERS, key=lambda each: len(roles_of(columns_of(header, each))))


def columns_of(header: str, delimiter: str) -> list[str]:
    """Column names of the first line; empty if it is no CSV."""
    with suppress(csv.Error):
        return next(_reader([header], delimiter), [])
    return []


def _reader(lines: Iterable[str], delimiter: str, *, strict: bool = False) -> Iterator[list[str]]:
    """A reader of CSV; a quoted field may stand behind spaces."""
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=strict)


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
    def first(self) -> str:
        """The first line of the record."""
        return _text(self._taken[0][1])

    @property
    def continued(self) -> list[str]:
        """All lines of the record except the first."""
        return [_text(line) for _, line in self._taken[1:]]

    def keep_first(self) -> None:
        """Rewinds: the record is only its first line, and its other lines are read again."""
        self._again.extendleft(reversed(self._taken[1:]))
        self.row = self._taken[0][0]

    def header(self) -> str:
        """The line that names the columns: the first one, or one soon after it, such as a title."""
        begin: list[tuple[_Line, str]] = []
        for line in self:
            begin.append((self._taken[-1], line))
            self.begin()
            if len(begin) > LINES_BEFORE_HEADER_MAX or is_header(line):
                break
        at = next((at for at, (_, line) in enumerate(begin) if is_header(line)), None)
        if at is None:
            at = next((at for at, (_, line) in enumerate(begin) if _has_text(line)), len(begin))
        self._again.extend(each for each, _ in begin[at + 1 :])
        self._taken = [begin[at][0]] if begin[at:] else []
        return begin[at][1].strip("\r\n ") if begin[at:] else ""

    def keep_first_line(self) -> None:
        """Rewinds by the line that was read last."""
        self._again.appendleft(self._taken[-1])

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.row, line = self._again.popleft() if self._again else next(self._lines)
        self._taken.append((self.row, line))
        self.was_too_long = line is None
        return _text(line)


def _text(line: bytes | None) -> str:
    text = "\n" if line is None else line.decode("utf-8", "surrogateescape")
    return _BACKSLASHED.sub('""', text) if '\\"' in text else text


_BACKSLASHED = re.compile(r'\\"(?=[^,;|\t\r\n])')
"""A quote within a field as databases write it; a field may also end in a backslash."""


def _cells(text: _Lines, delimiter: str, names: list[str]) -> Iterator[NumberedCells]:
    columns = len(names)
    if delimiter == "\t":
        yield from _cells_of_lines(text, columns)
        return
    reader = _reader(text, delimiter)
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
        if any(
            _begins_a_record(line, delimiter, columns) for line in text.continued
        ) or _is_two_rows(text, delimiter, names):
            text.keep_first()
            yield text.row, _OPEN
        elif text.was_too_long:
            yield text.row, TOO_LONG
        elif any(map(str.strip, cells)):
            yield text.row, _checked(cells, columns)


def _checked(cells: list[str], columns: int) -> list[str] | str:
    fields = "1 field" if len(cells) == 1 else f"{len(cells)} fields"
    return cells if len(cells) == columns else f"has {fields}, the header {columns}"


def _cells_of_lines(text: _Lines, columns: int) -> Iterator[NumberedCells]:
    """Rows divided by tabs: a quote that is not closed on its line is a character."""
    for line in text:
        if text.was_too_long:
            yield text.row, TOO_LONG
        elif line.strip():
            yield text.row, _checked(_fields(line.rstrip("\r\n")), columns)
        text.begin()


def _fields(line: str) -> list[str]:
    if _QUOTE in line:
        with suppress(csv.Error):
            return next(_reader([line], "\t", strict=True), [])
    return line.split("\t")


def _begins_a_record(line: str, delimiter: str, columns: int) -> bool:
    """Whether a line within quotes is a complete record, or leaves a quote open as well."""
    try:
        alone = next(_reader([line], delimiter, strict=True), [])
    except csv.Error as error:
        return "end of data" in str(error)
    if len(alone) == columns and _QUOTE in line and not _is_quoted(line, delimiter):
        return True
    return len(alone) == columns and line.count(_QUOTE) % 2 == 0  # an odd one closes the quotes


def _is_two_rows(text: _Lines, delimiter: str, names: list[str]) -> bool:
    """Whether one row opened a quote and another closed it: each is a play without quotes."""
    at = roles_of(names).get(Role.LISTENED_AT)
    if at is None or not text.continued:
        return False
    ends = [line.rstrip("\r\n").split(delimiter) for line in (text.first, text.continued[-1])]
    return all(len(cells) == len(names) and _is_time(cells[at].strip(_QUOTE)) for cells in ends)


def _is_quoted(line: str, delimiter: str) -> bool:
    """Whether each quote of `line` is beside a delimiter or an end, where a field may be quoted."""
    plain = line.rstrip("\r\n")
    return all(
        (at == 0 or plain[at - 1] in (delimiter, _QUOTE))
        or (at + 1 == len(plain) or plain[at + 1] in (delimiter, _QUOTE))
        for at, letter in enumerate(plain)
        if letter == _QUOTE
    )
