"""The tracks that are ranked for one listener: gathered once each, scored by parts, cut to a list.

Scratch, not state: it is as it was before once `clear`ed. The order in which tracks are proposed
is fixed, since the sums of floats follow it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.compiled import njit_cached

REASONS = ("transition", "own", "popular")
"""The experts, by their column in `Candidates.parts`."""
TRANSITION, OWN, POPULAR = 0, 1, 2

ASKED_MAX = 256
"""Tracks whose scores are asked for at once."""
PROPOSED_MAX = 32 + 32 + 64 + 40
"""Followers of two tracks, own plays, the chart."""
HATED_SCORE = -1000.0
"""Below the score of every track that is not hated; such a track is in no list."""


class Candidates(NamedTuple):
    """Room for one listener's candidates."""

    slot_of: NDArray[np.int32]
    """[tracks]: where a track stands in the other arrays, -1 if it is no candidate."""
    held: NDArray[np.int32]
    """[1]: how many there are."""
    items: NDArray[np.int32]
    parts: NDArray[np.float64]
    """[slots, len(REASONS)]: what each expert adds to the score."""
    scores: NDArray[np.float64]
    plays: NDArray[np.int32]
    """How often the listener has played it."""
    successions: NDArray[np.float64]
    """How much it followed the last track in the listener's own plays."""


def no_candidates(tracks: int) -> Candidates:
    """Room for candidates out of `tracks`."""
    slots = ASKED_MAX + PROPOSED_MAX
    return Candidates(
        slot_of=np.full(tracks, -1, np.int32),
        held=np.zeros(1, np.int32),
        items=np.zeros(slots, np.int32),
        parts=np.zeros((slots, len(REASONS)), np.float64),
        scores=np.zeros(slots, np.float64),
        plays=np.zeros(slots, np.int32),
        successions=np.zeros(slots, np.float64),
    )


@njit_cached
def propose(candidates: Candidates, item: int) -> int:
    """The slot of `item`, which is a candidate from now on."""
    slot = candidates.slot_of[item]
    if slot < 0:
        slot = candidates.held[0]
        candidates.held[0] += 1
        candidates.slot_of[item] = slot
        candidates.items[slot] = item
        candidates.parts[slot] = 0.0
        candidates.plays[slot] = 0
        candidates.successions[slot] = 0.0
    return slot


@njit_cached
def clear(candidates: Candidates) -> None:
    """Takes all candidates out again."""
    for slot in range(candidates.held[0]):
        candidates.slot_of[candidates.items[slot]] = -1
    candidates.held[0] = 0


@njit_cached
def add_up(candidates: Candidates) -> None:
    """Scores are the sums of their parts."""
    for slot in range(candidates.held[0]):
        parts = candidates.parts[slot]
        candidates.scores[slot] = parts[0] + parts[1] + parts[2]


@njit_cached
def _beats(candidates: Candidates, slot: int, other: int) -> bool:
    mine, theirs = candidates.scores[slot], candidates.scores[other]
    return mine > theirs or (mine == theirs and candidates.items[slot] < candidates.items[other])


@njit_cached
def rank_of(candidates: Candidates, item: int, k: int) -> int:
    """0-based place of `item` in the list of `k`, -1 if it is not in it."""
    slot = candidates.slot_of[item]
    if slot < 0 or candidates.scores[slot] == HATED_SCORE:
        return -1
    rank = 0
    for other in range(candidates.held[0]):
        rank += _beats(candidates, other, slot)
    return rank if rank < k else -1


@njit_cached
def _reason(candidates: Candidates, slot: int) -> int:
    return int(np.argmax(candidates.parts[slot]))


@njit_cached
def best_into(
    candidates: Candidates,
    items: NDArray[np.int32],
    scores: NDArray[np.float64],
    reasons: NDArray[np.uint8],
) -> None:
    """Writes the best candidates that fit into `items`, `scores`, `reasons` (all [k])."""
    slots = np.empty(len(items), np.int32)
    held = 0
    for slot in range(candidates.held[0]):
        if candidates.scores[slot] == HATED_SCORE:
            continue
        place = held
        while place > 0 and _beats(candidates, slot, slots[place - 1]):
            if place < len(slots):
                slots[place] = slots[place - 1]
            place -= 1
        if place < len(slots):
            slots[place] = slot
            held = min(held + 1, len(slots))
    for place in range(held):
        items[place] = candidates.items[slots[place]]
        scores[place] = candidates.scores[slots[place]]
        reasons[place] = _reason(candidates, slots[place])
