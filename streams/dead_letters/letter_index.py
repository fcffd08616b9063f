"""What is known of very many dead letters, in a few bytes each, whatever a letter weighs.

Origins are kept as numbers in ascending order, values as hashes of 64 bits, and beside them what
becomes known. So a million letters take some ten megabytes, and the log may be as long as it will.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import IntFlag
from typing import NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from streams.dead_letters.dead_letter_reader import DeadLetter

_OFFSET_MAX = (1 << 63) - 1
_DIGITS_MAX = 19
_NUMBERS = 2
"""Partition and offset, behind the topic."""
_NO_VALUE = 0

Origin = tuple[str, int, int]
"""Topic, partition, offset."""


class Known(IntFlag):
    """What is known of an origin."""

    NOTHING = 0
    AMBIGUOUS = 1
    """Two letters of it have other bytes."""
    REJECTED = 2
    """The log rejects it."""
    SENT = 4
    """It was sent again."""
    JUDGED = 8
    TO_SEND = 16


class _Told:
    """Origins of one place, and what their letters hold, in the order of the letters."""

    def __init__(self) -> None:
        self.offsets = array("q")
        self.digests = array("Q")


class _Rows(NamedTuple):
    offsets: NDArray[np.int64]
    digests: NDArray[np.uint64]
    known: NDArray[np.uint8]


class LetterIndex:
    """The origins of `letters`, once each; letters that name none are `foreign`."""

    def __init__(self, letters: Iterable[DeadLetter]) -> None:
        self.foreign = 0
        self.since_ms: int | None = None
        """When the oldest of what was rejected was recorded."""
        told: dict[tuple[str, int], _Told] = defaultdict(_Told)
        for each in letters:
            self._note(each, told)
        self._places = {place: _rows(told.pop(place)) for place in [*told]}

    def _note(self, letter: DeadLetter, told: dict[tuple[str, int], _Told]) -> None:
        origin = origin_of(letter)
        if origin is None:
            self.foreign += 1
            return
        at_ms = letter.recorded_at
        self.since_ms = at_ms if self.since_ms is None else min(at_ms, self.since_ms)
        place = told[origin[:2]]
        place.offsets.append(origin[2])
        place.digests.append(_digest(letter.value))

    def __len__(self) -> int:
        return sum(len(each.offsets) for each in self._places.values())

    def mark(self, origins: Iterable[Origin], known: Known) -> None:
        """Notes what is known of those of `origins` that are here."""
        for origin in origins:
            if (found := self._row(origin)) is not None:
                rows, at = found
                rows.known[at] |= int(known)

    def known(self, letter: DeadLetter) -> Known | None:
        """What is known of the origin of this very letter; None: it was not there before."""
        origin = origin_of(letter)
        found = None if origin is None else self._row(origin)
        if found is None or not _holds(*found, letter.value):
            return None
        rows, at = found
        return Known(int(rows.known[at]))

    def keeps(self, origin: Origin, value: bytes | None) -> bool | None:
        """Whether a letter of `origin` holds these bytes; None: there is no letter of it.

        Where two letters of it have other bytes, any bytes may be theirs.
        """
        found = self._row(origin)
        return None if found is None else _holds(*found, value)

    def counted(self) -> Iterator[tuple[Known, int]]:
        """How many origins there are of which this is known."""
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
    """Where a letter came from, as numbers; None where it does not say.

    >>> headers = {"origin_topic": "t", "origin_partition": "3", "origin_offset": "17"}
    >>> origin_of(DeadLetter(headers, None, 0))
    ('t', 3, 17)
    """
    return parsed_origin(letter.origin)


def parsed_origin(origin: str) -> Origin | None:
    """An origin in numbers; None where it is none.

    >>> parsed_origin("listening-events/0/17"), parsed_origin("?/?/?")
    (('listening-events', 0, 17), None)
    """
    topic, *numbers = origin.split("/")
    if len(numbers) != _NUMBERS or not all(each.isascii() and each.isdecimal() for each in numbers):
        return None
    if max(map(len, numbers)) > _DIGITS_MAX or max(map(int, numbers)) > _OFFSET_MAX:
        return None
    return topic, int(numbers[0]), int(numbers[1])


def _digest(value: bytes | None) -> int:
    return _NO_VALUE if value is None else xxhash.xxh3_64_intdigest(value)


def _rows(told: _Told) -> _Rows:
    """Once each; a letter is written at least once, so the same one again is no other one."""
    all_offsets = np.frombuffer(told.offsets, np.int64)
    all_digests = np.frombuffer(told.digests, np.uint64)
    once, first, which = np.unique(all_offsets, return_index=True, return_inverse=True)
    rows = _Rows(once, all_digests[first], np.zeros(len(once), np.uint8))
    rows.known[which[all_digests != rows.digests[which]]] = Known.AMBIGUOUS
    return rows


def _holds(rows: _Rows, at: int, value: bytes | None) -> bool:
    return bool(rows.known[at] & Known.AMBIGUOUS or rows.digests[at] == _digest(value))
