"""Reads the values of a JSON object as the elements of an array: rows by their id or their time.

Databases in a browser, Firebase and pandas write `{"12345": {"artist": ...}, ...}`.

Special cases: a key may be the only time that a row has. What is no object beside such rows (a
version, a count) is passed over.
"""

import io
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from streams.sources.formats.inner_array import (
    ARRAYS_TRIED,
    DEPTH_MAX,
    INSPECTED_BYTES,
    TOKEN,
    InnerArray,
)
from streams.sources.formats.json_stream import ELEMENT_BYTES_MAX, end_of_value
from streams.sources.formats.times import is_calendar

_READ_BYTES = 1 << 18
_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_KEY = re.compile(rb"[\s,]*(" + _TEXT + rb")\s*:\s*", re.DOTALL)
_END = re.compile(rb"[\s,]*\}")
_FIRST_ROW = re.compile(
    rb"(?:\s*" + _TEXT + rb"\s*:\s*(?:" + _TEXT + rb"|[\w.+-]++)\s*,)*+"
    rb"\s*(" + _TEXT + rb")\s*:\s*\{",
    re.DOTALL,
)
"""The first member that is an object, with its key, behind others that are texts or numbers."""
_SCALAR_END = re.compile(rb"[,}]")
_TIME = b"timestamp"


class Begin(NamedTuple):
    """Where the object around the rows begins, and whether its keys are their times."""

    at: int
    has_times: bool


def begin_of_rows(text: bytes, holds_plays: Callable[[bytes], bool]) -> Begin | None:
    """The first object in `text` whose values are plays; None without one.

    >>> begin_of_rows(b'{"plays": {"1": {"a": 1}}}', lambda rows: rows.startswith(b'[{"a"'))
    Begin(at=10, has_times=False)
    """
    depth = arrays = tried = 0
    for token in TOKEN.finditer(text):
        letter = token[0]
        is_candidate = letter == b"{" and depth <= DEPTH_MAX and not arrays
        if is_candidate and (row := _FIRST_ROW.match(text, token.end())):
            begin = token.start()
            for has_times in (False, True):
                if has_times and not is_calendar([row[1][1:-1].decode("utf-8", "replace")]):
                    break
                if holds_plays(_array_in(text[begin : begin + INSPECTED_BYTES], has_times)):
                    return Begin(begin, has_times)
            tried += 1
        depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(letter, 0)
        arrays += {b"[": 1, b"]": -1}.get(letter, 0)  # an object in an array has others beside it
        if letter == b'"' or depth == 0 or tried == ARRAYS_TRIED:
            break
    return None


def _array_in(text: bytes, has_times: bool) -> bytes:
    """The rows of an object that may be cut off, as an array that may be cut off."""
    rows = KeyedRows(io.BytesIO(text), Begin(0, has_times))
    return b"".join(iter(lambda: rows.read(_READ_BYTES), b""))


class KeyedRows(InnerArray):
    """A file from the beginning of an object, in which the object is an array of its values."""

    another = re.compile(
        InnerArray.another.pattern + rb"|:\s*\{\s*" + _TEXT + rb"\s*:\s*\{", re.DOTALL
    )

    def __init__(self, file: BinaryIO, begin: Begin) -> None:
        super().__init__(file, begin.at)
        self._text, self._at = self._file.read(_READ_BYTES), 1
        self._has_times = begin.has_times
        self._pieces = self._array()

    def read(self, size: int) -> bytes:
        """The next bytes, about `size` or more; empty at the end."""
        found = bytearray()
        while len(found) < size and (piece := next(self._pieces, b"")):
            found += piece
        return bytes(found)

    def _array(self) -> Iterator[bytes]:
        before = b"["
        while (key := self._key()) is not None:
            value = self._value()
            if value[:1] in (b"{", b"["):
                yield before + (self._with_time(key, value) if self._has_times else value)
                before = b","
        if before == b"[":
            yield before
        if _END.match(self._text, self._at):
            yield b"]"
        yield self._text[self._at :]
        while more := self._file.read(_READ_BYTES):
            yield more

    def _key(self) -> bytes | None:
        """The next key; None at the end of the object, or where it is none."""
        while not _END.match(self._text, self._at):
            found = _KEY.match(self._text, self._at)
            if found and found.end() < len(self._text):
                self._at = found.end()
                return found[1]
            if not self._read_more():
                break
        return None

    def _value(self) -> bytes:
        """The next value; what there is of it if it does not end."""
        while (
            end := end_of_value(self._text, self._at, _SCALAR_END)
        ) is None and self._read_more():
            pass
        value = self._text[self._at : end]
        self._at = len(self._text) if end is None else end
        return value

    def _read_more(self) -> bool:
        """Reads more; whether there is any, and the rest is not longer than a row may be."""
        if len(self._text) - self._at > ELEMENT_BYTES_MAX:
            return False
        more = self._file.read(max(_READ_BYTES, len(self._text) - self._at))
        self._text, self._at = self._text[self._at :] + more, 0
        return bool(more)

    def _with_time(self, key: bytes, row: bytes) -> bytes:
        comma = b"" if row[1:].lstrip()[:1] == b"}" else b","
        return b'{"%s":%s%s%s' % (_TIME, key, comma, row[1:]) if row[:1] == b"{" else row
