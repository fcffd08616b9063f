"""Compiled code of the deduplication window: its two indexes, and the rule of near duplicates.

A near duplicate is a play of the same listener and track from another source, apart by no more than
the reach of the longer one of both: two scrobblers reported one play, and stamped its start, its
half or its end. A play that counts masks at most one play of each other source. So three repeats
that two scrobblers saw are three plays, in whatever order their reports arrive.

Where a new play finds nothing but maskers that are taken, plays that were masked before may move to
other maskers (an augmenting path, breadth first), so that as few plays as possible are unmatched.

All of it is in one file: numba's cache looks at the file of a function, and not at its callees.
"""

from typing import Any

import numpy as np
from numba import njit

from topics.listening_event import KIND_CODES

REACH_MIN_MS = 60_000
"""Reach of a play of unknown or short length."""
REACH_MAX_MS = 10 * 60_000
"""Reach of a longer play."""
SLACK_MS = 5_000
"""A play reaches further than its length: stamps are cut to seconds, and ends come late."""
BUCKET_MS = 2 * REACH_MAX_MS
"""The index has a bucket for each such span. What any play can reach lies in two of them."""
RELEASED = np.iinfo(np.int32).min
"""The pairing of a masked play after a KEEP: a row of its own counts in its place."""
MOVED_MAX = 64
"""Maximum number of masked plays that may move to other maskers for one new play."""

NEW, DUPLICATE, CONFLICT, MASKED, UNMASKED = range(5)
SIZE, OLDEST, EVICTED_UNTIL, UNCHECKED = range(4)
_KEEP = KIND_CODES["KEEP"]
_KIND_BITS = 0xFF
_NEVER = np.iinfo(np.int64).min


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
def _bucket_home(entry: Any, bucket: int, size: int) -> np.int64:
    pair = (np.uint64(entry.listener) << np.uint64(32)) | np.uint64(entry.track)
    return np.int64(_mixed(pair, np.uint64(bucket)) & np.uint64(size - 1))


@njit(cache=True, inline="always")
def _listen_home(entry: Any, size: int) -> np.int64:
    return _bucket_home(entry, entry.at // BUCKET_MS, size)


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
            return DUPLICATE if same else CONFLICT
        at = (at + 1) & (len(by_key) - 1)
    return NEW


# -- near duplicates -------------------------------------------------------------------------------


@njit(cache=True, inline="always")
def _pairing(masked_at: int, masker_at: int) -> int:
    return -(masked_at - masker_at + REACH_MAX_MS + 1)


@njit(cache=True, inline="always")
def _masker_at(masked: Any) -> int:
    return masked.at + masked.pairing + REACH_MAX_MS + 1


@njit(cache=True, inline="always")
def _first_bucket(at_ms: int) -> int:
    """The first of the two buckets with all that lies within `REACH_MAX_MS` of `at_ms`."""
    return (at_ms - REACH_MAX_MS) // BUCKET_MS


@njit(cache=True)
def _surroundings(entry: Any, ring: Any, by_listen: Any) -> Any:
    """The slot of its own source's play at its time, -1 without one; whether a masker is near."""
    own, is_near, bucket = -1, False, _first_bucket(entry.at)
    for near in range(bucket, bucket + 2):
        at = _bucket_home(entry, near, len(by_listen))
        while by_listen[at] != 0:
            slot = by_listen[at] - 1
            old = ring[slot]
            if old.listener == entry.listener and old.track == entry.track:
                apart = abs(old.at - entry.at)
                if old.source != entry.source:
                    reach = max(old.pairing, entry.pairing)
                    is_near |= old.pairing > 0 and apart <= reach
                elif apart == 0 and (own < 0 or old.pairing > 0):
                    own = slot
            at = (at + 1) & (len(by_listen) - 1)
    return own, is_near


@njit(cache=True)
def _next_masker(entry: Any, at_ms: int, after: int, ring: Any, by_listen: Any) -> int:
    """The slot of the earliest masker after `after` that reaches `at_ms`, -1 without one.

    `at_ms` is the time of `entry`, or of another play of the same source.
    """
    found, bucket = -1, _first_bucket(at_ms)
    for near in range(bucket, bucket + 2):
        at = _bucket_home(entry, near, len(by_listen))
        while by_listen[at] != 0:
            slot = by_listen[at] - 1
            old = ring[slot]
            is_same = old.listener == entry.listener and old.track == entry.track
            if is_same and old.pairing > 0 and old.source != entry.source and old.at > after:
                is_reached = abs(old.at - at_ms) <= max(old.pairing, entry.pairing)
                if is_reached and (found < 0 or _is_before(old, ring[found])):
                    found = slot
            at = (at + 1) & (len(by_listen) - 1)
    return found


@njit(cache=True, inline="always")
def _is_before(one: Any, other: Any) -> bool:
    """Whatever the order of the index, which depends on how often it grew."""
    return one.at < other.at or (one.at == other.at and one.source < other.source)


@njit(cache=True)
def _masked_by(entry: Any, masker: int, ring: Any, by_listen: Any) -> int:
    """The slot of the play of the source of `entry` that `masker` masks, -1 without one."""
    masker_at = ring[masker].at
    bucket = _first_bucket(masker_at)
    for near in range(bucket, bucket + 2):
        at = _bucket_home(entry, near, len(by_listen))
        while by_listen[at] != 0:
            slot = by_listen[at] - 1
            old = ring[slot]
            is_same = old.listener == entry.listener and old.track == entry.track
            is_masked = is_same and old.pairing < 0 and old.source == entry.source
            if is_masked and _masker_at(old) == masker_at:
                return slot
            at = (at + 1) & (len(by_listen) - 1)
    return -1


@njit(cache=True)
def _masker(entry: Any, ring: Any, by_listen: Any) -> int:
    """The slot of the play that masks `entry`, -1 without one; makes room for it if need be."""
    first = _next_masker(entry, entry.at, _NEVER, ring, by_listen)
    if first < 0 or _masked_by(entry, first, ring, by_listen) < 0:  # nearly all
        return first
    plays = np.empty(MOVED_MAX, np.int64)
    maskers = np.empty(MOVED_MAX, np.int64)
    before = np.empty(MOVED_MAX, np.int64)
    plays[0], maskers[0], before[0], size, at = -1, -1, -1, 1, 0
    while at < size:
        at_ms = entry.at if at == 0 else ring[plays[at]].at
        masker = _next_masker(entry, at_ms, _NEVER, ring, by_listen)
        while masker >= 0:
            play = _masked_by(entry, masker, ring, by_listen)
            if play < 0:
                return _moved(masker, at, plays, maskers, before, ring)
            if size < MOVED_MAX and not (maskers[:size] == masker).any():
                plays[size], maskers[size], before[size] = play, masker, at
                size += 1
            masker = _next_masker(entry, at_ms, ring[masker].at, ring, by_listen)
        at += 1
    return -1


@njit(cache=True)
def _moved(free: int, at: int, plays: Any, maskers: Any, before: Any, ring: Any) -> int:
    """Moves each play of the path to the masker behind it; returns the first one, now free."""
    while at > 0:
        ring[plays[at]].pairing = _pairing(ring[plays[at]].at, ring[free].at)
        free, at = maskers[at], before[at]
    return free


@njit(cache=True)
def _judged(entry: Any, ring: Any, by_listen: Any) -> Any:
    """The verdict on a play with an id of its own, and the slot of its masker."""
    own, is_near = _surroundings(entry, ring, by_listen)
    is_kept = (entry.content & np.uint64(_KIND_BITS)) == np.uint64(_KEEP)
    if own >= 0:
        if not is_kept or ring[own].pairing > 0:
            return DUPLICATE, -1
        ring[own].pairing = RELEASED
        return UNMASKED, -1
    masker = _masker(entry, ring, by_listen) if is_near and not is_kept else -1
    return (NEW, -1) if masker < 0 else (MASKED, masker)


# -- the ring --------------------------------------------------------------------------------------


@njit(cache=True)
def _remember(entry: Any, pairing: int, ring: Any, by_key: Any, by_listen: Any, head: Any) -> None:
    if head[SIZE] == len(ring):
        slot = head[OLDEST]
        _remove(by_key, ring, slot, True)
        if ring[slot].pairing != 0:
            _remove(by_listen, ring, slot, False)
        head[EVICTED_UNTIL] = max(head[EVICTED_UNTIL], ring[slot].at)
        head[OLDEST] = (slot + 1) % len(ring)
    else:
        slot = (head[OLDEST] + head[SIZE]) % len(ring)
        head[SIZE] += 1
    ring[slot] = entry
    ring[slot].pairing = pairing
    _insert(by_key, _key_home(entry, len(by_key)), slot)
    if pairing != 0:
        _insert(by_listen, _listen_home(entry, len(by_listen)), slot)
    if pairing >= 0 and entry.at <= head[EVICTED_UNTIL] + (REACH_MAX_MS if pairing else 0):
        head[UNCHECKED] += 1


@njit(cache=True)
def classified(
    entries: Any, ring: Any, by_key: Any, by_listen: Any, head: Any, maskers: Any
) -> Any:
    """The verdict on each of `entries`; copies their maskers to `maskers` if it has room."""
    verdicts = np.zeros(len(entries), np.uint8)
    for row in range(len(entries)):
        verdict, pairing = _seen_key(entries[row], ring, by_key), entries[row].pairing
        if verdict == NEW and pairing > 0:
            verdict, masker = _judged(entries[row], ring, by_listen)
            if verdict == MASKED:
                pairing = _pairing(entries[row].at, ring[masker].at)
                if len(maskers):
                    maskers[row] = ring[masker]
        if verdict not in (DUPLICATE, CONFLICT):
            _remember(entries[row], pairing, ring, by_key, by_listen, head)
        verdicts[row] = verdict
    return verdicts


@njit(cache=True)
def rebuild(ring: Any, by_key: Any, by_listen: Any, size: int) -> None:
    """Fills both empty indexes with the first `size` entries of the ring."""
    for slot in range(size):
        _insert(by_key, _key_home(ring[slot], len(by_key)), slot)
        if ring[slot].pairing != 0:
            _insert(by_listen, _listen_home(ring[slot], len(by_listen)), slot)
