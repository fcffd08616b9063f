"""Tracks that a listener marked: loved ones, and those that they never want to see again.

A listener's marks stand in blocks from the pool that plays take theirs from, so that nobody pays
for marks they did not make.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.listener.contexts import NOTHING
from online_models.blend.listener.play_rings import BLOCK_PLAYS, free_block, take_block
from online_models.kernels.compiled import njit_inner

MARKED_MAX = 4096
"""A listener who marks more tracks than this loses the mark made longest ago."""
MARKED = np.dtype([("first", "<i4"), ("held", "<i4")], align=True)
"""One a listener and kind of mark, 8 bytes: 1 + the first block, or 0; marked longest ago first."""


@njit_inner
def _block_at(marked: Any, blocks: NDArray[Any], number: int) -> int:
    """The block of that number, from 0 on."""
    block = marked.first - 1
    for _ in range(number):
        block = blocks[block].next - 1
    return block


@njit_inner
def place_of_mark(marked: Any, blocks: NDArray[Any], track: int) -> int:
    """Where the mark of `track` stands, NOTHING if it has none."""
    block = marked.first - 1
    for at in range(marked.held):
        place = at % BLOCK_PLAYS
        if at > 0 and place == 0:
            block = blocks[block].next - 1
        if blocks[block].tracks[place] == track:
            return at
    return NOTHING


@njit_inner
def read_marks(marked: Any, blocks: NDArray[Any], tracks: Any) -> int:
    """Writes what is marked into `tracks`, [`MARKED_MAX`], marked longest ago first; how many."""
    block = marked.first - 1
    for at in range(marked.held):
        place = at % BLOCK_PLAYS
        if at > 0 and place == 0:
            block = blocks[block].next - 1
        tracks[at] = blocks[block].tracks[place]
    return int(marked.held)


@njit_inner
def _free_last(marked: Any, blocks: NDArray[Any], given: Any) -> None:
    number = int(marked.held) // BLOCK_PLAYS
    free_block(blocks, given, _block_at(marked, blocks, number))
    if number == 0:
        marked.first = 0
    else:
        blocks[_block_at(marked, blocks, number - 1)].next = 0


@njit_inner
def _drop(marked: Any, blocks: NDArray[Any], given: Any, at: int) -> None:
    """Takes out the mark at place `at`; later ones move up."""
    block = _block_at(marked, blocks, at // BLOCK_PLAYS)
    for later in range(at + 1, marked.held):
        place, before = later % BLOCK_PLAYS, block
        if place == 0:
            block = blocks[block].next - 1
        blocks[before].tracks[(later - 1) % BLOCK_PLAYS] = blocks[block].tracks[place]
    marked.held -= 1
    blocks[block].tracks[marked.held % BLOCK_PLAYS] = 0
    if marked.held % BLOCK_PLAYS == 0:
        _free_last(marked, blocks, given)


@njit_inner
def unmark(marked: Any, blocks: NDArray[Any], given: Any, track: int) -> None:
    """`track` is marked no longer."""
    at = place_of_mark(marked, blocks, track)
    if at != NOTHING:
        _drop(marked, blocks, given, at)


@njit_inner
def mark(marked: Any, blocks: NDArray[Any], given: Any, track: int) -> None:
    """`track` is marked, and nothing was marked later."""
    unmark(marked, blocks, given, track)
    if marked.held == MARKED_MAX:
        _drop(marked, blocks, given, 0)
    number, place = int(marked.held) // BLOCK_PLAYS, int(marked.held) % BLOCK_PLAYS
    if place == 0:
        block = take_block(blocks, given)
        if number == 0:
            marked.first = block + 1
        else:
            blocks[_block_at(marked, blocks, number - 1)].next = block + 1
    blocks[_block_at(marked, blocks, number)].tracks[place] = track
    marked.held += 1


@njit_inner
def clear_marked(marked: Any, blocks: NDArray[Any], given: Any) -> None:
    """Forgets all marks and frees their blocks."""
    block = marked.first - 1
    while block >= 0:
        after = blocks[block].next - 1
        free_block(blocks, given, block)
        block = after
    marked.first = 0
    marked.held = 0
