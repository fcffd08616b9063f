"""Recognises UTF-16, as spreadsheets and Windows' own tools save text, and reads it as UTF-8."""

import codecs
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


def in_utf_8(file: BinaryIO, codec: str) -> BinaryIO:
    """The text of `file` in UTF-8, at its beginning; what is no text is no UTF-8 there either."""
    decoder = codecs.getincrementaldecoder(codec)("surrogatepass")
    text = cast(BinaryIO, SpooledTemporaryFile(_IN_MEMORY_BYTES_MAX))  # noqa: SIM115 - returned
    while chunk := file.read(_CHUNK_BYTES):
        text.write(decoder.decode(chunk).encode("utf-8", "surrogatepass"))
    if decoder.getstate()[0]:  # a half character at the end
        text.write(_CUT)
    text.seek(0)
    return text
