"""Marks: explicit feedback of a listener, the tracks that they love, hate, or dismiss for now.

Loved tracks are proposed and have a feature; hated tracks are in no list, and dismissed ones in
none for a while. Marks are kept in blocks of the pool that histories use too, so that listeners
without marks take no memory for them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.listener.play_rings import BLOCK_PLAYS, free_block, take_block
from online_models.blend.listener.session_contexts import NO_CODE
from online_models.kernels.compiled import constant, njit_inner

MARKED_MAX = 4096
"""Maximum number of marks per listener and kind; one more removes the oldest mark."""
DISMISSED_S = constant(7 * 24 * 3600)
"""How long a dismissed track stays away: until a play that begins so much later (DISMISS)."""
ALWAYS_S = constant(0)
"""For `read_marks`: marks of any time."""
MARKED = np.dtype([("first", "<i4"), ("held", "<i4")], align=True)
"""One per listener and kind of mark, 8 bytes: 1 + the first block, or 0; oldest mark first."""


@njit_inner
def _block_at(marked: Any, blocks: NDArray[Any], number: int) -> int:
    """The block with this number in the chain, from 0."""
    block = marked.first - 1
    for _ in range(number):
        block = blocks[block].next - 1
    return block


@njit_inner
def place_of_mark(marked: Any, blocks: NDArray[Any], track: int) -> int:
    """The place of the mark of `track`, from 0; NO_CODE if it has none."""
    block = marked.first - 1
    for at in range(marked.held):
        place = at % BLOCK_PLAYS
        if at > 0 and place == 0:
            block = blocks[block].next - 1
        if blocks[block].tracks[place] == track:
            return at
    return NO_CODE


@njit_inner
def time_of_mark(marked: Any, blocks: NDArray[Any], track: int) -> int:
    """When `track` was marked, in seconds since 1970; NO_CODE if it was not."""
    at = place_of_mark(marked, blocks, track)
    if at == NO_CODE:
        return NO_CODE
    return int(blocks[_block_at(marked, blocks, at // BLOCK_PLAYS)].at_s[at % BLOCK_PLAYS])


@njit_inner
def read_marks(marked: Any, blocks: NDArray[Any], tracks: Any, since_s: int) -> int:
    """Writes the tracks marked at or after `since_s` into `tracks`; returns their number.

    They are in the order in which they were marked.
    """
    block, read = marked.first - 1, 0
    for at in range(marked.held):
        place = at % BLOCK_PLAYS
        if at > 0 and place == 0:
            block = blocks[block].next - 1
        if int(blocks[block].at_s[place]) >= since_s:
            tracks[read] = blocks[block].tracks[place]
            read += 1
    return read


@njit_inner
def _free_last(marked: Any, blocks: NDArray[Any], pool: Any) -> None:
    number = int(marked.held) // BLOCK_PLAYS
    free_block(blocks, pool, _block_at(marked, blocks, number))
    if number == 0:
        marked.first = 0
    else:
        blocks[_block_at(marked, blocks, number - 1)].next = 0


@njit_inner
def _drop(marked: Any, blocks: NDArray[Any], pool: Any, at: int) -> None:
    """Removes the mark at place `at`; later marks move up."""
    block = _block_at(marked, blocks, at // BLOCK_PLAYS)
    for later in range(at + 1, marked.held):
        place, before = later % BLOCK_PLAYS, block
        if place == 0:
            block = blocks[block].next - 1
        blocks[before].tracks[(later - 1) % BLOCK_PLAYS] = blocks[block].tracks[place]
        blocks[before].at_s[(later - 1) % BLOCK_PLAYS] = blocks[block].at_s[place]
    marked.held -= 1
    blocks[block].tracks[marked.held % BLOCK_PLAYS] = 0
    blocks[block].at_s[marked.held % BLOCK_PLAYS] = 0
    if marked.held % BLOCK_PLAYS == 0:
        _free_last(marked, blocks, pool)


@njit_inner
def unmark(marked: Any, blocks: NDArray[Any], pool: Any, track: int) -> None:
    """Removes the mark of `track`, if it has one."""
    at = place_of_mark(marked, blocks, track)
    if at != NO_CODE:
        _drop(marked, blocks, pool, at)


@njit_inner
def mark(marked: Any, blocks: NDArray[Any], pool: Any, track: int, at_s: int) -> None:
    """Marks `track` as the newest mark; `at_s` is the time of it, in seconds since 1970."""
    unmark(marked, blocks, pool, track)
    if marked.held == MARKED_MAX:
        _drop(marked, blocks, pool, 0)
    number, place = int(marked.held) // BLOCK_PLAYS, int(marked.held) % BLOCK_PLAYS
    if place == 0:
        block = take_block(blocks, pool)
        if number == 0:
            marked.first = block + 1
        else:
            blocks[_block_at(marked, blocks, number - 1)].next = block + 1
    block = _block_at(marked, blocks, number)
    blocks[block].tracks[place] = track
    blocks[block].at_s[place] = at_s
    marked.held += 1


@njit_inner
def clear_marked(marked: Any, blocks: NDArray[Any], pool: Any) -> None:
    """Erases all marks and frees their blocks."""
    block = marked.first - 1
    while block >= 0:
        after = blocks[block].next - 1
        free_block(blocks, pool, block)
        block = after
    marked.first = 0
    marked.held = 0
