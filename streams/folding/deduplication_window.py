"""The deduplication window: each event is learnt once, no matter how often it is delivered.

The window keeps the last `capacity` events, and compares them exactly. An event is a duplicate if
it has the same event id and listener as one of them; or if both are a LISTEN with the same
listener, track and listened_at; or if both are a LISTEN with the same listener and track, within a
minute, from different sources (a near duplicate: two scrobblers reported one play). The same event
id with different content is a conflict. An event whose duplicate may have left the window already
cannot be recognised: it is learnt, and counted as unchecked.

Method: a ring buffer of entries with two open-addressing indexes (linear probing, deletion by
backward shift). The indexes are derived from the ring, and are neither stored nor digested.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import xxhash
from numba import njit
from numpy.typing import NDArray

NEAR_MS = 60_000
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
        ("listen", "<i4"),
    ]
)
"""The part of an event that the window keeps; 48 bytes."""


class Verdict(IntEnum):
    """The result of comparing an event with the window."""

    NEW = 0
    DUPLICATE = 1
    CONFLICT = 2


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

        A LISTEN counts here if an evicted event is at most a minute older than it, or newer; any
        other event if an evicted one has its time or is newer.
        """
        return int(self._head[3])

    def __len__(self) -> int:
        return int(self._head[0])

    def classify(self, entries: NDArray[Any]) -> NDArray[np.uint8]:
        """`Verdict` of each of `entries` (dtype `ENTRY`), in order; adds new ones to the window."""
        self._grow(len(entries))
        return np.asarray(_classify(entries, self._ring, self._by_key, self._by_listen, self._head))

    def _grow(self, coming: int) -> None:
        slots = len(self._ring)
        if len(self) + coming <= slots or slots >= self.capacity:
            return
        while slots < min(self.capacity, len(self) + coming):
            slots = min(2 * slots, self.capacity)
        self._refill(self.entries(), slots)

    def entries(self) -> NDArray[Any]:
        """The events in the window, oldest first."""
        size, oldest = int(self._head[0]), int(self._head[1])
        return np.roll(self._ring, -oldest)[:size] if oldest else self._ring[:size].copy()

    def _refill(self, entries: NDArray[Any], slots: int) -> None:
        self._allocate(slots)
        self._ring[: len(entries)] = entries
        self._head[:2] = len(entries), 0
        _rebuild(self._ring, self._by_key, self._by_listen, len(entries))

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
        size, oldest = int(self._head[0]), int(self._head[1])
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
    kinds: NDArray[np.uint8]
    ms_played: NDArray[np.int32]


def entries_of(columns: EventColumns) -> NDArray[Any]:
    """Entries (dtype `ENTRY`) of events in columns; `keys` are 16 bytes each."""
    entries = np.empty(len(columns.listeners), ENTRY)
    halves = columns.keys.view("<u8").reshape(-1, 2)
    entries["key_high"], entries["key_low"] = halves[:, 0], halves[:, 1]
    entries["at"], entries["listener"] = columns.at_ms, columns.listeners
    entries["track"], entries["source"] = columns.tracks, columns.sources
    entries["listen"] = columns.listens
    entries["content"] = columns.ms_played.astype(np.int64).view(np.uint64) << np.uint64(8)
    entries["content"] |= columns.kinds
    return entries


def _index_size(slots: int) -> int:
    return 1 << (2 * slots - 1).bit_length()


@njit(cache=True, inline="always")
def _mixed(a: np.uint64, b: np.uint64) -> np.uint64:
    """splitmix64's finaliser over two words."""
    x = a * np.uint64(0x9E3779B97F4A7C15) + b
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(cache=True, inline="always")
def _key_home(entry: Any, size: int) -> np.int64:
    mixed = _mixed(entry.key_high ^ np.uint64(entry.listener), entry.key_low)
    return np.int64(mixed & np.uint64(size - 1))


@njit(cache=True, inline="always")
def _minute_home(listener: int, track: int, minute: int, size: int) -> np.int64:
    pair = (np.uint64(listener) << np.uint64(32)) | np.uint64(track)
    return np.int64(_mixed(pair, np.uint64(minute)) & np.uint64(size - 1))


@njit(cache=True, inline="always")
def _listen_home(entry: Any, size: int) -> np.int64:
    return _minute_home(entry.listener, entry.track, entry.at // NEAR_MS, size)


@njit(cache=True)
def _insert(index: Any, home: int, slot: int) -> None:
    at = home
    while index[at] != 0:
        at = (at + 1) & (len(index) - 1)
    index[at] = slot + 1


@njit(cache=True)
def _remove(index: Any, ring: Any, slot: int, by_key: bool) -> None:
    mask = len(index) - 1
    hole = _key_home(ring[slot], len(index)) if by_key else _listen_home(ring[slot], len(index))
    while index[hole] != slot + 1:
        hole = (hole + 1) & mask
    at = (hole + 1) & mask
    while index[at] != 0:
        other = ring[index[at] - 1]
        home = _key_home(other, len(index)) if by_key else _listen_home(other, len(index))
        if ((at - home) & mask) >= ((at - hole) & mask):
            index[hole] = index[at]
            hole = at
        at = (at + 1) & mask
    index[hole] = 0


@njit(cache=True)
def _seen_key(entry: Any, ring: Any, by_key: Any) -> int:
    at = _key_home(entry, len(by_key))
    while by_key[at] != 0:
        old = ring[by_key[at] - 1]
        same_key = old.key_high == entry.key_high and old.key_low == entry.key_low
        if same_key and old.listener == entry.listener:
            same = old.content == entry.content and old.at == entry.at and old.track == entry.track
            return 1 if same else 2
        at = (at + 1) & (len(by_key) - 1)
    return 0


@njit(cache=True)
def _seen_listen(entry: Any, ring: Any, by_listen: Any) -> bool:
    minute = entry.at // NEAR_MS
    for near in range(minute - 1, minute + 2):
        at = _minute_home(entry.listener, entry.track, near, len(by_listen))
        while by_listen[at] != 0:
            old = ring[by_listen[at] - 1]
            if old.listener == entry.listener and old.track == entry.track:
                apart = abs(old.at - entry.at)
                if apart == 0 or (apart <= NEAR_MS and old.source != entry.source):
                    return True
            at = (at + 1) & (len(by_listen) - 1)
    return False


@njit(cache=True)
def _remember(entry: Any, ring: Any, by_key: Any, by_listen: Any, head: Any) -> None:
    if head[0] == len(ring):
        slot = head[1]
        _remove(by_key, ring, slot, True)
        if ring[slot].listen:
            _remove(by_listen, ring, slot, False)
        head[2] = max(head[2], ring[slot].at)
        head[1] = (slot + 1) % len(ring)
    else:
        slot = (head[1] + head[0]) % len(ring)
        head[0] += 1
    ring[slot] = entry
    _insert(by_key, _key_home(entry, len(by_key)), slot)
    if entry.listen:
        _insert(by_listen, _listen_home(entry, len(by_listen)), slot)
    if entry.at <= head[2] + (NEAR_MS if entry.listen else 0):
        head[3] += 1


@njit(cache=True)
def _classify(entries: Any, ring: Any, by_key: Any, by_listen: Any, head: Any) -> Any:
    verdicts = np.zeros(len(entries), np.uint8)
    for row in range(len(entries)):
        verdict = _seen_key(entries[row], ring, by_key)
        if verdict == 0 and entries[row].listen and _seen_listen(entries[row], ring, by_listen):
            verdict = 1
        if verdict == 0:
            _remember(entries[row], ring, by_key, by_listen, head)
        verdicts[row] = verdict
    return verdicts


@njit(cache=True)
def _rebuild(ring: Any, by_key: Any, by_listen: Any, size: int) -> None:
    for slot in range(size):
        _insert(by_key, _key_home(ring[slot], len(by_key)), slot)
        if ring[slot].listen:
            _insert(by_listen, _listen_home(ring[slot], len(by_listen)), slot)
