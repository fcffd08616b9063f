"""Reads JSON that is larger than memory: one array element or line at a time (streaming).

The elements of an array are found by their brackets, without a parser, and each is then decoded by
itself. A hostile element (nested too deeply, a number of thousands of digits) therefore costs only
its own row, and none is decoded that is longer than `ELEMENT_BYTES_MAX`.

A byte that is no UTF-8 becomes an escaped NUL, which makes only its own row a bad row.
"""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from streams.sources.formats.inner_array import InnerArray
from topics.errors import HistoryError

LINE_BYTES_MAX = 1 << 20
ELEMENT_BYTES_MAX = 4 << 20
"""Maximum length of an array element; a page of 1,000 tracks of Last.fm has 1.2 MB."""
_READ_BYTES = 1 << 18
_BOM = "\ufeff"
_NUL_FOR_BAD_BYTES = "echotune-nul-for-bad-bytes"
codecs.register_error(_NUL_FOR_BAD_BYTES, lambda error: ("\\u0000", getattr(error, "end")))  # noqa: B009

Element = tuple[int, Any]
"""Row number from 1, and the value."""

TOO_LONG = f"is longer than {LINE_BYTES_MAX:,} bytes"
TOO_DEEP = "is nested too deeply"
NOT_AN_OBJECT = "is not a JSON object"


class _Repaired:
    """A file whose invalid bytes are replaced, so that it is UTF-8; without byte order mark."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")(_NUL_FOR_BAD_BYTES)
        self._is_first = True

    def read(self, size: int) -> bytes:
        """Up to about `size` bytes; empty at the end."""
        while data := self._file.read(size):
            text = self._decoder.decode(data)
            if self._is_first and text:
                text, self._is_first = text.removeprefix(_BOM), False
            if text:
                return text.encode()
        return self._decoder.decode(b"", True).encode()


_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\]]', re.DOTALL)
_SCALAR_END = re.compile(rb"[,\]]")
_BETWEEN = re.compile(rb"[\s,]*")


def end_of_value(
    text: bytes, begin: int, scalar_end: re.Pattern[bytes] = _SCALAR_END
) -> int | None:
    """Where the value that begins at `begin` ends; None if `text` ends before it."""
    if text[begin : begin + 1] not in (b"{", b"[", b'"'):
        found = scalar_end.search(text, begin)
        return found and found.start()
    depth = 0
    for token in _TOKEN.finditer(text, begin):
        letter = token[0]
        if letter in (b"{", b"["):
            depth += 1
        elif letter in (b"}", b"]"):
            depth -= 1
        elif letter == b'"':
            return None  # a text that does not end here
        if depth == 0:
            return token.end()
    return None


class _Elements:
    """The elements of the arrays in a file, as bytes; arrays may follow one another."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = _Repaired(file), name
        self._inner = file if isinstance(file, InnerArray) else None
        self._text, self._at, self._row = b"", 0, 0
        self._size = _READ_BYTES

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        while self._begins_array():
            while (element := self._element()) is not None:
                self._row += 1
                yield self._row, element
            if self._inner is not None:
                self._end_object(self._inner)
                return

    def _end_object(self, array: InnerArray) -> None:
        """Reads to the end of the object around the array; `HistoryError` if it has more arrays."""
        if array.is_followed_by_another(self._text[self._at :], self._file.read):
            raise HistoryError(
                f"{self._name} holds more than one array of objects.",
                "Save each of those with plays as a file of its own.",
            )

    def _begins_array(self) -> bool:
        """Whether another array begins; `HistoryError` if it is something else."""
        if self._next() == b"[":
            self._at += 1
            return True
        if self._at < len(self._text):
            rest = self._text[self._at : self._at + 40].decode("utf-8", "replace")
            raise HistoryError(
                f"{self._name} is no whole JSON after element {self._row:,}: "
                f"text follows the end of the array: {rest!r}.",
                "Remove it, or save the parts as files of their own.",
            )
        return False

    def _element(self) -> bytes | None:
        """The next element; None at the end of the array."""
        if self._next() == b"]":
            self._at += 1
            return None
        self._size = _READ_BYTES
        while (end := end_of_value(self._text, self._at)) is None:
            if len(self._text) - self._at > ELEMENT_BYTES_MAX:
                raise self._broken(f"the next one is longer than {ELEMENT_BYTES_MAX:,} bytes")
            if not self._read():
                raise self._broken("the file ends within the array")
        element, self._at = self._text[self._at : end], end
        return element

    def _next(self) -> bytes:
        """The next letter that is neither a space nor a comma; empty at the end of the file."""
        while True:
            self._at = self._end_of_space()
            if self._at < len(self._text) or not self._read():
                return self._text[self._at : self._at + 1]

    def _end_of_space(self) -> int:
        found = _BETWEEN.match(self._text, self._at)
        return found.end() if found else self._at

    def _read(self) -> bool:
        """Reads more, in growing steps while one element is incomplete."""
        more = self._file.read(self._size)
        self._text, self._at = self._text[self._at :] + more, 0
        self._size = min(2 * self._size, ELEMENT_BYTES_MAX)
        return bool(more)

    def _broken(self, why: str) -> HistoryError:
        return HistoryError(
            f"{self._name} is no whole JSON after element {self._row:,}: {why}.",
            "It may have been cut off: copy or export it again.",
        )


class Concatenated:
    """A file of objects one after another, as an array."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._begin, self._end = file, b"[", b"]"

    def read(self, size: int) -> bytes:
        """About `size` bytes; empty at the end."""
        more, self._begin = self._begin + self._file.read(size), b""
        if not more:
            more, self._end = self._end, b""
        return more


def elements(file: BinaryIO, name: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """The object of each element of an array, or what is wrong with the element.

    Raises `HistoryError` if the array does not end.
    """
    for row, text in _Elements(file, name):
        yield row, object_of(text)


objects_of_array = elements


def lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Lines with their numbers; None for a line longer than `LINE_BYTES_MAX`."""
    row = 0
    while line := file.readline(LINE_BYTES_MAX):
        row += 1
        if len(line) == LINE_BYTES_MAX and not line.endswith(b"\n"):
            _skip_line(file)
            yield row, None
        else:
            yield row, line.removeprefix(codecs.BOM_UTF8) if row == 1 else line


def _skip_line(file: BinaryIO) -> None:
    while (more := file.readline(LINE_BYTES_MAX)) and not more.endswith(b"\n"):
        pass


def objects_of_lines(file: BinaryIO) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """The object of each line that is not empty, or what is wrong with the line.

    A comma after an object is read over.
    """
    for row, line in lines(file):
        if line is None:
            yield row, TOO_LONG
        elif plain := line.strip().removesuffix(b","):
            yield row, object_of(plain)


def object_of(text: bytes) -> dict[str, Any] | str:
    """The object that `text` is, or why it is none; numbers out of bounds become infinite."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return _leniently(text, error.msg)
    return value if isinstance(value, dict) else NOT_AN_OBJECT


def _leniently(text: bytes, why: str) -> dict[str, Any] | str:
    """Like `object_of`, for what programs write although it is no JSON: NaN, huge numbers."""
    try:
        value = json.loads(text.decode())
    except RecursionError:
        return TOO_DEEP
    except ValueError as error:
        if isinstance(error, UnicodeDecodeError):
            return "is no UTF-8"
        is_json = not isinstance(error, json.JSONDecodeError)
        return "holds a number of thousands of digits" if is_json else f"is not JSON: {why}"
    return value if isinstance(value, dict) else NOT_AN_OBJECT


def keys_of_objects(text: bytes, paths: tuple[str, ...], depth_max: int) -> set[str]:
    """Keys of the objects at `paths` in JSON that may be cut off anywhere; "[]" is an element.

    >>> sorted(keys_of_objects(b'[{}, {"a": {"b": 1}, "c": [', ("[]",), 8))
    ['a', 'c']
    """
    keys: set[str] = set()
    path: list[str] = []
    last = b""
    for token in _KEYS_AND_BRACKETS.finditer(text):
        letter = token[0][:1]
        if token[0] == b'"':
            break  # a text that does not end: each of its quotes would be tried as a beginning
        if letter in b"[{":
            path.append("[]" if letter == b"[" else _KEY)
        elif letter in b"]}":
            if not path or (path.pop() == "[]") is not (letter == b"]"):
                break
        elif letter == b":" and path and path[-1] != "[]":
            key = _decoded(last)
            path[-1] = key
            if "/".join(path[:-1]) in paths:
                keys.add(key)
        last = token[0]
        if len(path) > depth_max:
            break
    return keys


_KEY = ""
_KEYS_AND_BRACKETS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\]:]', re.DOTALL)


def _decoded(key: bytes) -> str:
    try:
        return str(orjson.loads(key))
    except orjson.JSONDecodeError:
        return ""
