"""Recognises UTF-16 and Windows-1252, in which programs of Windows save text, and reads UTF-8.

Special cases: a text without a byte order mark, a broken or half character, and single rows that
are no UTF-8 in a text that is. Each of them makes only its own row bad.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

_UTF_32 = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
_MARKS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_LETTERS = 8
"""Without a mark, so many ASCII characters at the beginning say that a text is UTF-16."""
_CHUNK_BYTES = 1 << 16
_IN_MEMORY_BYTES_MAX = 8 * 1024 * 1024
"""A longer text is written to a temporary file."""
_CUT = b"\xff"
WINDOWS_1252 = "cp1252"
_ROWS_MIN = 2
"""So many rows that are no UTF-8 are no accident, if fewer rows are UTF-8 beyond ASCII."""
_FOREIGN_MAX = 0.4
"""Above this share of letters beyond ASCII, rows are in another script than Latin."""
_ROW_BYTES_MAX = 1 << 20
_ROW_END = re.compile(rb"(?<=[\n}])")
_LATIN = re.compile(rb"[A-Za-z]")
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")


def utf_16_of(head: bytes) -> str | None:
    """The codec of a text that begins with `head`; None if it is no UTF-16.

    >>> utf_16_of("ts,artist".encode("utf-16-be")), utf_16_of(b"ts,artist")
    ('utf-16-be', None)
    """
    if head.startswith(_UTF_32) or not any(head[: 2 * _LETTERS]):
        return None
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return codec
    if head[1 : 2 * _LETTERS : 2] == bytes(_LETTERS):
        return "utf-16-le"
    return "utf-16-be" if head[0 : 2 * _LETTERS : 2] == bytes(_LETTERS) else None


def is_windows_1252(file: BinaryIO) -> bool:
    """Whether the rows of a text are in Windows-1252, and not UTF-8 with a few broken rows.

    Reads to where that is decided, and goes back to the beginning.

    >>> import io
    >>> is_windows_1252(io.BytesIO("Björk\\nSigur Rós\\n".encode("cp1252")))
    True
    >>> is_windows_1252(io.BytesIO("Björk\\nSigur Rós\\n".encode()))
    False
    """
    try:
        return _is_windows_1252(_rows_of(file))
    finally:
        file.seek(0)


def _is_windows_1252(rows: Iterable[bytes]) -> bool:
    broken = whole = latin = others = 0
    for row in rows:
        if row.isascii():
            continue
        if _is_utf_8(row):
            whole += 1
        else:
            broken += 1
            latin += len(_LATIN.findall(row))
            others += len(_BEYOND_ASCII.findall(row))
        if whole > _ENOUGH and whole > broken:
            return False
    return broken >= _ROWS_MIN and broken > whole and others <= _FOREIGN_MAX * (latin + others)


_ENOUGH = 20
"""After so many rows that are UTF-8 beyond ASCII, a text is UTF-8."""


def _rows_of(file: BinaryIO) -> Iterator[bytes]:
    """The rows of a text, or of JSON its objects; a very long one in pieces, ASCII in any."""
    rest = b""
    while chunk := file.read(_CHUNK_BYTES):
        text = rest + chunk
        end = max(text.rfind(b"\n"), text.rfind(b"}")) + 1
        if not end and len(text) > _ROW_BYTES_MAX:
            end = len(text)
        rows, rest = text[:end], text[end:]
        if rows.isascii():
            yield rows
        else:
            yield from _ROW_END.split(rows)
    yield rest


def _is_utf_8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def in_utf_8(file: BinaryIO, codec: str) -> BinaryIO:
    """The text of `file` in UTF-8, at its beginning; what is no text is no UTF-8 there either."""
    text = cast(BinaryIO, SpooledTemporaryFile(_IN_MEMORY_BYTES_MAX))  # noqa: SIM115 - returned
    for each in _from_windows_1252(file) if codec == WINDOWS_1252 else _from_utf_16(file, codec):
        text.write(each)
    text.seek(0)
    return text


def _from_windows_1252(file: BinaryIO) -> Iterator[bytes]:
    for row in _rows_of(file):
        text = row if _is_utf_8(row) else row.decode(WINDOWS_1252, "surrogateescape")
        yield text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def _from_utf_16(file: BinaryIO, codec: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(codec)("surrogatepass")
    while chunk := file.read(_CHUNK_BYTES):
        yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
    if decoder.getstate()[0]:  # a half character at the end
        yield _CUT
