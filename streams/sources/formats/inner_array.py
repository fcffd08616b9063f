"""Finds the array of plays within a JSON object, as Maloja, Koito, lastfmstats and APIs write it.

Special case: an object may hold several arrays. The first with plays is read, and that there is
another one is an error, because it may hold plays as well.
"""

import re
from collections.abc import Callable
from typing import BinaryIO

TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\]]', re.DOTALL)
DEPTH_MAX = 4
"""The arrays of known programs are not deeper."""
_OBJECT = re.compile(rb"\s*\{")
ARRAYS_TRIED = 8
INSPECTED_BYTES = 16_384
"""How much of an array is inspected; the first track of Spotify's API may take 11,000 bytes."""
_READ_BYTES = 1 << 18
_OVERLAP_BYTES = 256
"""What is kept of the text before, in case that it ends within what is searched."""


def begin_of_array(text: bytes, holds_plays: Callable[[bytes], bool]) -> int | None:
    """Where the first array with plays begins in the object that begins `text`; None without one.

    >>> begin_of_array(b'{"version": [1], "plays": [{"a": 1}]}', lambda array: b'"a"' in array)
    26
    """
    depth = tried = 0
    for token in TOKEN.finditer(text):
        letter = token[0]
        if letter == b"[" and depth <= DEPTH_MAX and _OBJECT.match(text, token.end()):
            begin = token.start()
            if holds_plays(text[begin : begin + INSPECTED_BYTES]):
                return begin
            tried += 1
        if letter in (b"{", b"["):
            depth += 1
        elif letter in (b"}", b"]"):
            depth -= 1
        if letter == b'"' or depth == 0 or tried == ARRAYS_TRIED:
            break
    return None


class InnerArray:
    """A file from the beginning of an array within an object."""

    another = re.compile(rb'"\s*:\s*\[\s*\{|[}\]]\s*\{')
    """What begins more rows after the end of the array."""

    def __init__(self, file: BinaryIO, begin: int) -> None:
        file.seek(begin)
        self._file = file

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; empty at the end."""
        return self._file.read(size)

    def is_followed_by_another(self, rest: bytes, read: Callable[[int], bytes]) -> bool:
        """Whether objects follow the array in `rest`, and in what `read` gives after it."""
        while True:
            if self.another.search(rest):
                return True
            more = read(_READ_BYTES)
            if not more:
                return False
            rest = rest[-_OVERLAP_BYTES:] + more
