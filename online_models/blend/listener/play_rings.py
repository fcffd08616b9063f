"""The last plays of each listener by event time, in blocks that are handed out as plays come.

A listener of 50 plays takes four blocks; a full ring drops its oldest play. Habits reach far back:
what followed a track a thousand plays ago is likely to follow it again. Erasing a listener
zeroes their blocks and hands them on.
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
        ("blocks", "<i4", (BLOCKS_MAX,)),  # 1 + number of the block, 0 where there is none yet
        ("start", "<i4"),  # place of the oldest play
        ("held", "<i4"),
    ],
    align=True,
)
"""One a listener, 264 bytes."""
BLOCK = np.dtype(
    [
        ("tracks", "<i4", (BLOCK_PLAYS,)),
        ("at_s", "<u4", (BLOCK_PLAYS,)),  # seconds since 1970
        ("next", "<i4"),  # 1 + the block after this one in a chain, 0 at the end
    ],
    align=True,
)
"""Sixteen plays, or marked tracks, of one listener, 132 bytes; free blocks are a chain."""
GIVEN = np.dtype([("free", "<i8"), ("blocks", "<i8")], align=True)
"""1 + the first free block, 0 if there is none; and how many blocks were ever given."""
RECENT = np.dtype(
    [
        ("tracks", "<i8", (RING_MAX + 2,)),
        ("at_s", "<i8", (RING_MAX + 2,)),
        ("held", "<i8"),
        ("session", "<i8"),  # how many of them belong to the session
    ],
    align=True,
)
"""Scratch: one listener's plays, newest first, a track that is playing now included."""


@njit_inner
def _get(ring: Any, blocks: NDArray[Any], nth: int, size: int) -> tuple[int, int]:
    """Track and second of the `nth` play, the oldest being 0."""
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
def take_block(blocks: NDArray[Any], given: Any) -> int:
    """A block that is nobody's."""
    if given.free > 0:
        block = given.free - 1
        given.free = blocks[block].next
        blocks[block].next = 0
        return block
    given.blocks += 1
    return given.blocks - 1


@njit_inner
def free_block(blocks: NDArray[Any], given: Any, block: int) -> None:
    """Empties a block, which is nobody's from now on."""
    blocks[block].tracks[:] = 0
    blocks[block].at_s[:] = 0
    blocks[block].next = given.free
    given.free = block + 1


@njit_inner
def remember(ring: Any, blocks: NDArray[Any], given: Any, size: int, track: int, at_s: int) -> None:
    """Puts a play where its time belongs; the oldest of `size` makes room, and may be this one."""
    held = int(ring.held)
    if held == size:
        if at_s < _get(ring, blocks, 0, size)[1]:
            return
        ring.start = (ring.start + 1) % size
        held -= 1
    at = (ring.start + held) % size // BLOCK_PLAYS
    if ring.blocks[at] == 0:
        ring.blocks[at] = take_block(blocks, given) + 1
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
    """Which play of `track` is at that second, or else the newest one of it; -1 if none."""
    found = -1
    for nth in range(ring.held - 1, -1, -1):
        its, its_s = _get(ring, blocks, nth, size)
        if its == track and its_s == at_s:
            return nth
        if its == track:
            found = max(found, nth)
    return found


@njit_inner
def take_back(ring: Any, blocks: NDArray[Any], size: int, track: int, at_s: int) -> None:
    """Takes back the play of `track` at that second, or else the newest one of it, if any."""
    found, end = _find(ring, blocks, size, track, at_s), int(ring.held) - 1
    if found < 0:
        return
    for nth in range(found, end):
        later, later_s = _get(ring, blocks, nth + 1, size)
        _put(ring, blocks, nth, size, later, later_s)
    _put(ring, blocks, end, size, 0, 0)
    ring.held = end


@njit_inner
def clear_ring(ring: Any, blocks: NDArray[Any], given: Any) -> None:
    """Forgets all plays of the listener and frees their blocks."""
    for at in range(BLOCKS_MAX):
        if ring.blocks[at] > 0:
            free_block(blocks, given, ring.blocks[at] - 1)
            ring.blocks[at] = 0
    ring.start = 0
    ring.held = 0


@njit_inner
def _recall_some(recent: Any, held: int, block: Any, within: int, some: int) -> None:
    """Writes `some` plays of a block, from place `within` backwards."""
    for back in range(some):
        recent.tracks[held + back] = block.tracks[within - back]
        recent.at_s[held + back] = block.at_s[within - back]


@njit_inner
def recall(
    recent: Any,
    ring: Any,
    blocks: NDArray[Any],
    size: int,
    playing: int,
    break_s: int,
    most: int,
) -> None:
    """Writes the listener's last plays, `most` of them, into `recent`.

    `playing` stands first unless it is negative.
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
        _recall_some(recent, held, blocks[ring.blocks[at // BLOCK_PLAYS] - 1], within, some)
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
    """Whether `track` is among the listener's plays."""
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
    """Whether one of the `tracks` of block `number` that is `track` is a play, no empty place."""
    for place in range(BLOCK_PLAYS):
        nth = (number * BLOCK_PLAYS + place - ring.start) % size
        if tracks[place] == track and nth < ring.held:
            return True
    return False
