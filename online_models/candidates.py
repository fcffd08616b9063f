"""The tracks that are ranked for one listener: gathered once each, described, cut to a list.

Scratch, not state: it is as it was before once `clear`ed. The order in which tracks are proposed
is fixed, since the sums of floats follow it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.compiled import njit_cached
from online_models.features import FEATURES, SOURCES, TRAITS

ASKED_MAX = 256
"""Tracks whose scores are asked for at once."""
SLOTS_MAX = 1000
"""Candidates and asked tracks; whoever comes later is no candidate."""
HATED_SCORE = -1000.0
"""Below the score of every track that is not hated; such a track is in no list."""


class Candidates(NamedTuple):
    """Room for one listener's candidates."""

    slot_of: NDArray[np.int32]
    """[tracks]: where a track stands in the other arrays, -1 if it is no candidate."""
    held: NDArray[np.int64]
    """[1]: how many there are."""
    items: NDArray[np.int32]
    features: NDArray[np.float64]
    """[FEATURES, slots]"""
    traits: NDArray[np.int32]
    """[slots, TRAITS]"""
    scores: NDArray[np.float64]


def no_candidates(tracks: int) -> Candidates:
    """Room for candidates out of `tracks`."""
    return Candidates(
        slot_of=np.full(tracks, -1, np.int32),
        held=np.zeros(1, np.int64),
        items=np.zeros(SLOTS_MAX, np.int32),
        features=np.zeros((FEATURES, SLOTS_MAX), np.float64),
        traits=np.zeros((SLOTS_MAX, TRAITS), np.int32),
        scores=np.zeros(SLOTS_MAX, np.float64),
    )


@njit_cached
def propose(candidates: Candidates, item: int, source: int) -> int:
    """The slot of `item`, which is a candidate from now on; -1 if there is no room."""
    slot = candidates.slot_of[item]
    if slot < 0:
        slot = candidates.held[0]
        if slot == SLOTS_MAX:
            return -1
        candidates.held[0] = slot + 1
        candidates.slot_of[item] = slot
        candidates.items[slot] = item
    candidates.traits[slot, SOURCES] |= source
    return slot


@njit_cached
def clear(candidates: Candidates) -> None:
    """Takes all candidates out again."""
    held = candidates.held[0]
    for slot in range(held):
        candidates.slot_of[candidates.items[slot]] = -1
    candidates.features[:, :held] = 0.0
    candidates.traits[:held] = 0
    candidates.held[0] = 0
