"""Play rings: the listening history of each listener, by event time, in a ring buffer of blocks.

Blocks are allocated from a pool as plays arrive: a listener with 50 plays takes four blocks. A full
ring drops its oldest play. Habits reach far back: what followed a track a thousand plays ago is
likely to follow it again (docs/decisions/0010-long-memories.md). Erasing a listener zeroes their
blocks and returns them to the pool.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.kernels.compiled import njit_inner

BLOCK_PLAYS = 16
BLOCKS_MAX = 64
RING_MAX = BLOCK_PLAYS * BLOCKS_MAX

RING = np.dtype(
    [
        ("blocks", "<i4", (BLOCKS_MAX,)),  # 1 + number of the block, 0 if there is none yet
        ("start", "<i4"),  # place of the oldest play
        ("held", "<i4"),
    ],
    align=True,
)
"""One per listener, 264 bytes."""
BLOCK = np.dtype(
    [
        ("tracks", "<i4", (BLOCK_PLAYS,)),
        ("at_s", "<u4", (BLOCK_PLAYS,)),  # seconds since 1970
        ("next", "<i4"),  # 1 + the block after this one in a chain, 0 at the end
    ],
    align=True,
)
"""Sixteen plays, or marked tracks, of one listener, 132 bytes; free blocks form a chain."""
BLOCK_POOL = np.dtype([("free", "<i8"), ("blocks", "<i8")], align=True)
"""The pool of blocks: 1 + the first free block, or 0; and the number of blocks allocated so far."""
RECENT = np.dtype(
    [
        ("tracks", "<i8", (RING_MAX + 2,)),
        ("at_s", "<i8", (RING_MAX + 2,)),
        ("held", "<i8"),
        ("session", "<i8"),  # number of plays in the current session
    ],
    align=True,
)
"""Scratch memory: one listener's plays, newest first, including a track that is playing."""


@njit_inner
def _get(ring: Any, blocks: NDArray[Any], nth: int, size: int) -> tuple[int, int]:
    """Track and time (seconds) of the `nth` play; the oldest is 0."""
    at = (ring.start + nth) % size
    block = blocks[ring.blocks[at // BLOCK_PLAYS] - 1]
    return block.tracks[at % BLOCK_PLAYS], int(block.at_s[at % BLOCK_PLAYS])


@njit_inner
def _put(ring: Any, blocks: NDArray[Any], nth: int, size: int, track: int, at_s: int) -> None:
    at = (ring.start + nth) % size
    block = blocks[ring.blocks[at // BLOCK_PLAYS] - 1]
    block.tracks[at % BLOCK_PLAYS] = track
    block.at_s[at % BLOCK_PLAYS] = at_s


@njit_inner
def take_block(blocks: NDArray[Any], pool: Any) -> int:
    """Allocates a block from the pool; returns its number."""
    if pool.free > 0:
        block = pool.free - 1
        pool.free = blocks[block].next
        blocks[block].next = 0
        return block
    pool.blocks += 1
    return pool.blocks - 1


@njit_inner
def free_block(blocks: NDArray[Any], pool: Any, block: int) -> None:
    """Zeroes a block and returns it to the pool."""
    blocks[block].tracks[:] = 0
    blocks[block].at_s[:] = 0
    blocks[block].next = pool.free
    pool.free = block + 1


@njit_inner
def insert_play(
    ring: Any, blocks: NDArray[Any], pool: Any, size: int, track: int, at_s: int
) -> None:
    """Inserts a play in the order of time; of more than `size` plays the oldest is dropped."""
    held = int(ring.held)
    if held == size:
        if at_s < _get(ring, blocks, 0, size)[1]:
            return
        ring.start = (ring.start + 1) % size
        held -= 1
    at = (ring.start + held) % size // BLOCK_PLAYS
    if ring.blocks[at] == 0:
        ring.blocks[at] = take_block(blocks, pool) + 1
    ring.held = held + 1
    while held > 0:
        before, before_s = _get(ring, blocks, held - 1, size)
        if before_s <= at_s:
            break
        _put(ring, blocks, held, size, before, before_s)
        held -= 1
    _put(ring, blocks, held, size, track, at_s)


@njit_inner
def _find(ring: Any, blocks: NDArray[Any], size: int, track: int, at_s: int) -> int:
    """The play of `track` at this second, otherwise its newest play; -1 if there is none."""
    found = -1
    for nth in range(ring.held - 1, -1, -1):
        played, played_s = _get(ring, blocks, nth, size)
        if played == track and played_s == at_s:
            return nth
        if played == track:
            found = max(found, nth)
    return found


@njit_inner
def remove_play(ring: Any, blocks: NDArray[Any], size: int, track: int, at_s: int) -> None:
    """Removes the play of `track` at this second, otherwise its newest play, if any (RETRACT)."""
    found, end = _find(ring, blocks, size, track, at_s), int(ring.held) - 1
    if found < 0:
        return
    for nth in range(found, end):
        later, later_s = _get(ring, blocks, nth + 1, size)
        _put(ring, blocks, nth, size, later, later_s)
    _put(ring, blocks, end, size, 0, 0)
    ring.held = end


@njit_inner
def clear_ring(ring: Any, blocks: NDArray[Any], pool: Any) -> None:
    """Erases all plays of the listener and frees their blocks."""
    for at in range(BLOCKS_MAX):
        if ring.blocks[at] > 0:
            free_block(blocks, pool, ring.blocks[at] - 1)
            ring.blocks[at] = 0
    ring.start = 0
    ring.held = 0


@njit_inner
def _read_block(recent: Any, held: int, block: Any, within: int, some: int) -> None:
    """Copies `some` plays of a block, from place `within` backwards."""
    for back in range(some):
        recent.tracks[held + back] = block.tracks[within - back]
        recent.at_s[held + back] = block.at_s[within - back]


@njit_inner
def read_recent(
    recent: Any,
    ring: Any,
    blocks: NDArray[Any],
    size: int,
    playing: int,
    break_s: int,
    most: int,
) -> None:
    """Writes the listener's last plays, at most `most`, into `recent`, newest first.

    `playing` comes first unless it is negative. A gap above `break_s` seconds ends the session.
    """
    held, places = 0, int(ring.held)
    if playing >= 0:
        recent.tracks[0] = playing
        recent.at_s[0] = _get(ring, blocks, places - 1, size)[1] if places > 0 else 0
        held = 1
    end, at = held + min(places, most), (ring.start + places - 1) % size
    while held < end:
        within = at % BLOCK_PLAYS
        some = min(within + 1, end - held)
        _read_block(recent, held, blocks[ring.blocks[at // BLOCK_PLAYS] - 1], within, some)
        held += some
        at -= some
        if at < 0:
            at = size - 1
    recent.held = held
    session = min(held, 1)
    while session < held and recent.at_s[session - 1] - recent.at_s[session] <= break_s:
        session += 1
    recent.session = session


@njit_inner
def is_played(ring: Any, blocks: NDArray[Any], size: int, track: int) -> bool:
    """Whether `track` is in the listener's history."""
    for number in range((min(size, RING_MAX) + BLOCK_PLAYS - 1) // BLOCK_PLAYS):
        if ring.blocks[number] == 0:
            continue
        tracks, is_there = blocks[ring.blocks[number] - 1].tracks, False
        for place in range(BLOCK_PLAYS):
            is_there |= tracks[place] == track
        if is_there and _holds(ring, tracks, number, size, track):
            return True
    return False


@njit_inner
def _holds(ring: Any, tracks: Any, number: int, size: int, track: int) -> bool:
    """Whether `track` is at a place of block `number` that holds a play, not at an empty one."""
    for place in range(BLOCK_PLAYS):
        nth = (number * BLOCK_PLAYS + place - ring.start) % size
        if tracks[place] == track and nth < ring.held:
            return True
    return False
