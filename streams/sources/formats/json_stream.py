"""Reads JSON that is larger than memory: one array element or line at a time (streaming).

A byte that is no UTF-8 becomes an escaped NUL, which makes only its own row a bad row. Outside of
a string it is an error of the whole file.
"""

import codecs
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, BinaryIO

import ijson
import orjson

from topics.errors import HistoryError

LINE_BYTES_MAX = 1 << 20
_BOM = "\ufeff"
_NUL_FOR_BAD_BYTES = "echotune-nul-for-bad-bytes"
codecs.register_error(_NUL_FOR_BAD_BYTES, lambda error: ("\\u0000", getattr(error, "end")))  # noqa: B009

Element = tuple[int, Any]
"""Row number from 1, and the value."""


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


def elements(file: BinaryIO, name: str) -> Iterator[Element]:
    """Elements of the array in `file`; `HistoryError` if the JSON itself is broken."""
    row = 0
    found = ijson.items(_Repaired(file), "item")
    try:
        for row, value in enumerate(found, 1):
            yield row, _with_floats(value)
    except (ijson.JSONError, ValueError) as error:
        raise HistoryError(
            f"{name} is no whole JSON after element {row:,}: {' '.join(str(error).split())[:120]}.",
            "It may have been cut off: copy or export it again.",
        ) from error


def _with_floats(value: Any) -> Any:
    """Replaces decimals by floats; whole numbers of any size are unchanged."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: _with_floats(each) for key, each in value.items()}
    return [_with_floats(each) for each in value] if isinstance(value, list) else value


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


TOO_LONG = f"is longer than {LINE_BYTES_MAX:,} bytes"
NOT_AN_OBJECT = "is not a JSON object"


def objects_of_lines(file: BinaryIO) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """The object of each line that is not empty, or what is wrong with the line."""
    for row, line in lines(file):
        if line is None:
            yield row, TOO_LONG
        elif line.strip():
            yield row, _object_of(line)


def objects_of_array(file: BinaryIO, name: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """The object of each element, or what is wrong with the element."""
    for row, value in elements(file, name):
        yield row, value if isinstance(value, dict) else NOT_AN_OBJECT


def _object_of(line: bytes) -> dict[str, Any] | str:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return f"is not JSON: {error.msg}"
    return value if isinstance(value, dict) else NOT_AN_OBJECT
