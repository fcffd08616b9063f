"""The deduplication window: each event is learnt once, no matter how often it is delivered.

The window keeps the last `capacity` events, and compares them exactly. An event is a duplicate if
it has the same event id and listener as one of them; or if both are a play with the same listener,
track, source and listened_at. A play is masked if it is a near duplicate of a play from another
source (`window_kernels` has the rule): it does not count either, but a KEEP unmasks it. The same
event id with different content is a conflict. An event whose duplicate may have left the window
already cannot be recognised: it is learnt, and counted as unchecked.

Method: a ring buffer of entries with two open-addressing indexes (linear probing, deletion by
backward shift). The indexes are derived from the ring, and are neither stored nor digested. Masked
plays have entries, too, because they may be delivered again.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from streams.folding import window_kernels
from streams.folding.window_kernels import (
    OLDEST,
    REACH_MAX_MS,
    REACH_MIN_MS,
    SIZE,
    SLACK_MS,
    UNCHECKED,
)

_FIRST_CAPACITY = 4_096
_NEVER = np.iinfo(np.int64).min

ENTRY = np.dtype(
    [
        ("key_high", "<u8"),
        ("key_low", "<u8"),
        ("content", "<u8"),
        ("at", "<i8"),
        ("listener", "<i4"),
        ("track", "<i4"),
        ("source", "<i4"),
        ("pairing", "<i4"),
    ]
)
"""The part of an event that the window keeps; 48 bytes.

`pairing` is 0 for what is no play, above 0 the reach of a play that counts (ms), and below 0 for a
masked play: how far its masker is away.
"""
_NO_ENTRIES = np.empty(0, ENTRY)


class Verdict(IntEnum):
    """The result of comparing an event with the window."""

    NEW = window_kernels.NEW
    DUPLICATE = window_kernels.DUPLICATE
    CONFLICT = window_kernels.CONFLICT
    MASKED = window_kernels.MASKED
    UNMASKED = window_kernels.UNMASKED
    """A KEEP of a play that was masked: it counts now."""


COUNTING = (Verdict.NEW, Verdict.UNMASKED)
"""Verdicts on events that are learnt."""


class DeduplicationWindow:
    """Keeps the last `capacity` events; each takes about 64 bytes after it has arrived."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._head = np.array([0, 0, _NEVER, 0], np.int64)  # size, oldest, evicted until, unchecked
        self._allocate(min(capacity, _FIRST_CAPACITY))

    def _allocate(self, slots: int) -> None:
        self._ring = np.zeros(slots, ENTRY)
        self._by_key = np.zeros(_index_size(slots), np.int32)
        self._by_listen = np.zeros(_index_size(slots), np.int32)

    @property
    def unchecked(self) -> int:
        """Number of events that were accepted although their duplicate may have left the window.

        A play counts here if an evicted event is at most ten minutes older than it, or newer; any
        other event if an evicted one has its time or is newer.
        """
        return int(self._head[UNCHECKED])

    def __len__(self) -> int:
        return int(self._head[SIZE])

    def classify(self, entries: NDArray[Any]) -> NDArray[np.uint8]:
        """`Verdict` of each of `entries` (dtype `ENTRY`), in order; adds new ones to the window."""
        return self._classified(entries, _NO_ENTRIES)

    def classify_and_pair(self, entries: NDArray[Any]) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """As `classify`, and the masker of each entry that is MASKED (dtype `ENTRY`)."""
        maskers = np.zeros(len(entries), ENTRY)
        return self._classified(entries, maskers), maskers

    def _classified(self, entries: NDArray[Any], maskers: NDArray[Any]) -> NDArray[np.uint8]:
        self._grow(len(entries))
        index = self._by_key, self._by_listen
        found = window_kernels.classified(entries, self._ring, *index, self._head, maskers)
        return np.asarray(found)

    def _grow(self, coming: int) -> None:
        slots = len(self._ring)
        if len(self) + coming <= slots or slots >= self.capacity:
            return
        while slots < min(self.capacity, len(self) + coming):
            slots = min(2 * slots, self.capacity)
        self._refill(self.entries(), slots)

    def entries(self) -> NDArray[Any]:
        """The events in the window, oldest first."""
        size, oldest = int(self._head[SIZE]), int(self._head[OLDEST])
        return np.roll(self._ring, -oldest)[:size] if oldest else self._ring[:size].copy()

    def _refill(self, entries: NDArray[Any], slots: int) -> None:
        self._allocate(slots)
        self._ring[: len(entries)] = entries
        self._head[:2] = len(entries), 0
        window_kernels.rebuild(self._ring, self._by_key, self._by_listen, len(entries))

    def forget(self, listener: int) -> None:
        """Removes all events of `listener` (a code)."""
        entries = self.entries()
        self._refill(entries[entries["listener"] != listener], len(self._ring))

    def digest(self) -> bytes:
        """Digest of the events in the window, in order."""
        state = xxhash.xxh3_128(self._head[2:].tobytes())
        for part in self._parts():
            state.update(part.view(np.uint8).data)
        return state.digest()

    def _parts(self) -> list[NDArray[Any]]:
        """Views of the events in the window, oldest first."""
        size, oldest = int(self._head[SIZE]), int(self._head[OLDEST])
        first = self._ring[oldest : oldest + min(size, len(self._ring) - oldest)]
        return [first, self._ring[: size - len(first)]]

    def views(self) -> dict[str, list[NDArray[Any]]]:
        """`state()` without a copy of the events: valid until the next call of `classify`."""
        return {"entries": self._parts(), "head": [self._head.copy()]}

    def state(self) -> dict[str, NDArray[Any]]:
        """Arrays that `load` accepts."""
        return {"entries": self.entries(), "head": self._head.copy()}

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Loads the `state()` of a window of the same capacity."""
        entries = state["entries"]
        slots = min(self.capacity, _FIRST_CAPACITY)
        while slots < len(entries):
            slots = min(2 * slots, self.capacity)
        self._head = state["head"].copy()
        self._refill(entries, slots)


class EventColumns(NamedTuple):
    """Columns of equal length from which entries are made."""

    keys: NDArray[Any]
    listeners: NDArray[np.int32]
    tracks: NDArray[np.int32]
    at_ms: NDArray[np.int64]
    sources: NDArray[np.int32]
    listens: NDArray[np.bool_]
    """Whether the event is a play: a LISTEN, or a KEEP."""
    kinds: NDArray[np.uint8]
    ms_played: NDArray[np.int32]
    duration_ms: NDArray[np.int32]


def entries_of(columns: EventColumns) -> NDArray[Any]:
    """Entries (dtype `ENTRY`) of events in columns; `keys` are 16 bytes each."""
    entries = np.empty(len(columns.listeners), ENTRY)
    halves = columns.keys.view("<u8").reshape(-1, 2)
    entries["key_high"], entries["key_low"] = halves[:, 0], halves[:, 1]
    entries["at"], entries["listener"] = columns.at_ms, columns.listeners
    entries["track"], entries["source"] = columns.tracks, columns.sources
    reaches = np.clip(columns.duration_ms + SLACK_MS, REACH_MIN_MS, REACH_MAX_MS)
    entries["pairing"] = np.where(columns.listens, reaches, 0)
    entries["content"] = columns.ms_played.astype(np.int64).view(np.uint64) << np.uint64(8)
    entries["content"] |= columns.kinds
    return entries


def _index_size(slots: int) -> int:
    return 1 << (2 * slots - 1).bit_length()
