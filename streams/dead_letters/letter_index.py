"""An index of very many dead letters: a few bytes per letter, regardless of its size.

Origins are kept as sorted numbers, values as hashes of 64 bits, with flags next to them. A million
letters take about ten megabytes, regardless of the length of the log.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import IntFlag
from hashlib import sha256
from typing import NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from streams.dead_letters.dead_letter_reader import DeadLetter

_OFFSET_MAX = (1 << 63) - 1
_DIGITS_MAX = 19
_NUMBERS = 2
"""The numbers after the topic: partition and offset."""
_NO_VALUE = 0
_HEX_DIGITS = 16
"""The digits of a SHA-256 that are kept: 64 bits, as of other hashes."""

Origin = tuple[str, int, int]
"""Topic, partition, offset."""


class Known(IntFlag):
    """What is known of an origin."""

    NOTHING = 0
    AMBIGUOUS = 1
    """Two letters of this origin have different bytes."""
    REJECTED = 2
    """The log rejects it."""
    SENT = 4
    """It was resent."""
    JUDGED = 8
    TO_SEND = 16
    CUT = 32
    """Its letter holds only the beginning of its bytes, and their hash."""


class _LettersOfPlace:
    """Offsets and value hashes of the letters of one source partition, in the letters' order."""

    def __init__(self) -> None:
        self.offsets = array("q")
        self.digests = array("Q")
        self.cut = array("B")


class _Rows(NamedTuple):
    offsets: NDArray[np.int64]
    digests: NDArray[np.uint64]
    known: NDArray[np.uint8]


class LetterIndex:
    """The distinct origins of `letters`; letters without an origin are counted as `foreign`."""

    def __init__(self, letters: Iterable[DeadLetter]) -> None:
        self.foreign = 0
        self.since_ms: int | None = None
        """Append time (ms) of the oldest rejected record."""
        by_place: dict[tuple[str, int], _LettersOfPlace] = defaultdict(_LettersOfPlace)
        for each in letters:
            self._note(each, by_place)
        self._places = {place: _rows(by_place.pop(place)) for place in [*by_place]}

    def _note(self, letter: DeadLetter, by_place: dict[tuple[str, int], _LettersOfPlace]) -> None:
        origin = origin_of(letter)
        if origin is None:
            self.foreign += 1
            return
        at_ms = letter.recorded_at
        self.since_ms = at_ms if self.since_ms is None else min(at_ms, self.since_ms)
        place = by_place[origin[:2]]
        place.offsets.append(origin[2])
        place.digests.append(_digest_of(letter))
        place.cut.append(Known.CUT if letter.cut_sha256 else Known.NOTHING)

    def __len__(self) -> int:
        return sum(len(each.offsets) for each in self._places.values())

    def mark(self, origins: Iterable[Origin], known: Known) -> None:
        """Adds the flags `known` to those of `origins` that are in the index."""
        for origin in origins:
            if (found := self._row(origin)) is not None:
                rows, at = found
                rows.known[at] |= int(known)

    def known(self, letter: DeadLetter) -> Known | None:
        """Flags of the origin of exactly this letter; None if the letter is not in the index."""
        origin = origin_of(letter)
        found = None if origin is None else self._row(origin)
        if found is None or not _holds(*found, _digest_of(letter)):
            return None
        rows, at = found
        return Known(int(rows.known[at]))

    def keeps(self, origin: Origin, value: bytes | None) -> bool | None:
        """Whether a letter of `origin` holds these bytes; None if there is no letter of it.

        A letter that was cut holds the bytes that have its hash. If two letters of the origin have
        different bytes, any bytes count as theirs.
        """
        found = self._row(origin)
        if found is None:
            return None
        rows, at = found
        is_cut = bool(rows.known[at] & Known.CUT) and value is not None
        return _holds(
            rows, at, _cut_digest(sha256(value or b"").hexdigest()) if is_cut else _digest(value)
        )

    def counted(self) -> Iterator[tuple[Known, int]]:
        """Each combination of flags, and the number of origins that have it."""
        for rows in self._places.values():
            values, counts = np.unique(rows.known, return_counts=True)
            yield from zip(map(Known, values.tolist()), counts.tolist(), strict=True)

    def _row(self, origin: Origin) -> tuple[_Rows, int] | None:
        rows = self._places.get(origin[:2])
        if rows is None:
            return None
        at = int(np.searchsorted(rows.offsets, origin[2]))
        is_there = at < len(rows.offsets) and rows.offsets[at] == origin[2]
        return (rows, at) if is_there else None


def origin_of(letter: DeadLetter) -> Origin | None:
    """The origin of a letter, parsed; None if the letter does not contain it.

    >>> headers = {"origin_topic": "t", "origin_partition": "3", "origin_offset": "17"}
    >>> origin_of(DeadLetter(headers, None, 0))
    ('t', 3, 17)
    """
    return parsed_origin(letter.origin)


def parsed_origin(origin: str) -> Origin | None:
    """An origin, parsed; None if the text is not an origin.

    >>> parsed_origin("listening-events/0/17"), parsed_origin("?/?/?")
    (('listening-events', 0, 17), None)
    """
    topic, *numbers = origin.split("/")
    if len(numbers) != _NUMBERS or not all(each.isascii() and each.isdecimal() for each in numbers):
        return None
    if max(map(len, numbers)) > _DIGITS_MAX or max(map(int, numbers)) > _OFFSET_MAX:
        return None
    return topic, int(numbers[0]), int(numbers[1])


def _digest_of(letter: DeadLetter) -> int:
    return _cut_digest(letter.cut_sha256) if letter.cut_sha256 else _digest(letter.value)


def _cut_digest(hexadecimal: str) -> int:
    return int(hexadecimal[:_HEX_DIGITS], 16)


def _digest(value: bytes | None) -> int:
    return _NO_VALUE if value is None else xxhash.xxh3_64_intdigest(value)


def _rows(letters: _LettersOfPlace) -> _Rows:
    """Deduplicates the letters: letters are written at least once, so equal ones are repeats."""
    all_offsets = np.frombuffer(letters.offsets, np.int64)
    all_digests = np.frombuffer(letters.digests, np.uint64)
    once, first, which = np.unique(all_offsets, return_index=True, return_inverse=True)
    rows = _Rows(once, all_digests[first], np.frombuffer(letters.cut, np.uint8)[first])
    rows.known[which[all_digests != rows.digests[which]]] = Known.AMBIGUOUS
    return rows


def _holds(rows: _Rows, at: int, digest: int) -> bool:
    return bool(rows.known[at] & Known.AMBIGUOUS or rows.digests[at] == digest)
