"""The last plays of each listener by event time, in blocks that are handed out as plays come.

A listener of 50 plays takes four blocks; a full ring drops its oldest play. Erasing a listener
zeroes their blocks and hands them on.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.compiled import njit_cached

BLOCK = 16
"""Plays a block: 128 bytes."""
RING_MAX = 256


class Plays(NamedTuple):
    """One row a listener: 4 bytes a block that they may have, and 8."""

    blocks: NDArray[np.int32]
    """[listeners, blocks a ring]: 1 + number of the block, 0 where there is none yet."""
    start: NDArray[np.int32]
    """Place of the oldest play in the ring."""
    held: NDArray[np.int32]


class Blocks(NamedTuple):
    """The blocks of all listeners."""

    tracks: NDArray[np.int32]
    """[blocks, BLOCK]"""
    at_s: NDArray[np.uint32]
    """[blocks, BLOCK], seconds since 1970."""
    next_free: NDArray[np.int32]
    """1 + the free block after this free one, 0 at the end."""


class Recent(NamedTuple):
    """Scratch: one listener's plays, newest first, a track that is playing now included."""

    tracks: NDArray[np.int32]
    at_s: NDArray[np.int64]
    held: NDArray[np.int64]
    """[2]: how many there are, and how many of them belong to the session."""


def no_plays(listeners: int, ring: int) -> Plays:
    """Plays of `listeners` who have played nothing; `ring` plays each at most."""
    return Plays(
        blocks=np.zeros((listeners, ring // BLOCK), np.int32),
        start=np.zeros(listeners, np.int32),
        held=np.zeros(listeners, np.int32),
    )


def no_blocks(blocks: int) -> Blocks:
    """Blocks of nobody."""
    return Blocks(
        tracks=np.zeros((blocks, BLOCK), np.int32),
        at_s=np.zeros((blocks, BLOCK), np.uint32),
        next_free=np.zeros(blocks, np.int32),
    )


def no_recent() -> Recent:
    """Room for one listener's plays."""
    return Recent(
        np.zeros(RING_MAX + 2, np.int32), np.zeros(RING_MAX + 2, np.int64), np.zeros(2, np.int64)
    )


@njit_cached
def _ring(plays: Plays) -> int:
    return plays.blocks.shape[1] * BLOCK


@njit_cached
def _place(plays: Plays, listener: int, nth: int) -> tuple[int, int]:
    """Block and offset of the `nth` play, the oldest being 0."""
    at = (plays.start[listener] + nth) % _ring(plays)
    return plays.blocks[listener, at // BLOCK] - 1, at % BLOCK


@njit_cached
def _get(plays: Plays, blocks: Blocks, listener: int, nth: int) -> tuple[int, int]:
    block, offset = _place(plays, listener, nth)
    return blocks.tracks[block, offset], np.int64(blocks.at_s[block, offset])


@njit_cached
def _put(plays: Plays, blocks: Blocks, listener: int, nth: int, track: int, at_s: int) -> None:
    block, offset = _place(plays, listener, nth)
    blocks.tracks[block, offset] = track
    blocks.at_s[block, offset] = at_s


@njit_cached
def _take_block(blocks: Blocks, given: NDArray[np.int64]) -> int:
    """A block that is nobody's; `given` is [first free block + 1, blocks ever given]."""
    if given[0] > 0:
        block = given[0] - 1
        given[0] = blocks.next_free[block]
        blocks.next_free[block] = 0
        return block
    given[1] += 1
    return given[1] - 1


@njit_cached
def remember(
    plays: Plays,
    blocks: Blocks,
    given: NDArray[np.int64],
    listener: int,
    track: int,
    at_s: int,
) -> None:
    """Puts a play where its time belongs; the oldest makes room, and may be this one."""
    held = plays.held[listener]
    if held == _ring(plays):
        if at_s < _get(plays, blocks, listener, 0)[1]:
            return
        plays.start[listener] = (plays.start[listener] + 1) % _ring(plays)
        held -= 1
    at = (plays.start[listener] + held) % _ring(plays) // BLOCK
    if plays.blocks[listener, at] == 0:
        plays.blocks[listener, at] = _take_block(blocks, given) + 1
    while held > 0:
        before, before_s = _get(plays, blocks, listener, held - 1)
        if before_s <= at_s:
            break
        _put(plays, blocks, listener, held, before, before_s)
        held -= 1
    _put(plays, blocks, listener, held, track, at_s)
    plays.held[listener] = min(plays.held[listener] + 1, _ring(plays))


@njit_cached
def take_back(plays: Plays, blocks: Blocks, listener: int, track: int, at_s: int) -> bool:
    """Takes back the play of `track` at that second, or else the newest of it; says if any."""
    found = -1
    for nth in range(plays.held[listener] - 1, -1, -1):
        its, its_s = _get(plays, blocks, listener, nth)
        if its == track:
            if its_s == at_s:
                found = nth
                break
            found = max(found, nth)
    if found < 0:
        return False
    end = plays.held[listener] - 1
    for nth in range(found, end):
        later, later_s = _get(plays, blocks, listener, nth + 1)
        _put(plays, blocks, listener, nth, later, later_s)
    _put(plays, blocks, listener, end, 0, 0)
    plays.held[listener] = end
    return True


@njit_cached
def clear_plays(plays: Plays, blocks: Blocks, given: NDArray[np.int64], listener: int) -> None:
    """Forgets all plays of the listener and frees their blocks."""
    for at in range(plays.blocks.shape[1]):
        block = plays.blocks[listener, at] - 1
        if block >= 0:
            blocks.tracks[block] = 0
            blocks.at_s[block] = 0
            blocks.next_free[block] = given[0]
            given[0] = block + 1
            plays.blocks[listener, at] = 0
    plays.start[listener] = 0
    plays.held[listener] = 0


@njit_cached
def recall(
    recent: Recent, plays: Plays, blocks: Blocks, listener: int, playing: int, break_s: int
) -> None:
    """Writes the listener's plays into `recent`, `playing` first unless it is negative."""
    held, places = 0, plays.held[listener]
    if playing >= 0:
        newest_s = _get(plays, blocks, listener, places - 1)[1] if places > 0 else 0
        recent.tracks[0], recent.at_s[0] = playing, newest_s
        held = 1
    for nth in range(places - 1, -1, -1):
        recent.tracks[held], recent.at_s[held] = _get(plays, blocks, listener, nth)
        held += 1
    recent.held[0] = held
    session = min(held, 1)
    while session < held and recent.at_s[session - 1] - recent.at_s[session] <= break_s:
        session += 1
    recent.held[1] = session
