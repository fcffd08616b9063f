"""The tracks that are ranked for one listener: gathered once each, described, scored.

Scratch, not state: it is as it was before once `clear`ed. The order in which tracks are proposed
is fixed, since sums of floats follow it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.blend.features import FACTS, FEATURES, SOURCES
from online_models.compiled import njit_cached, njit_inlined

SLOTS = 1024
"""Room for more than all experts can propose together, and for tracks that are asked for."""
ASKED_MAX = 256
"""Tracks whose scores are asked for at once."""
TOUCHED_MAX = 1024
"""More than eight rows of companions can hold together."""


class Candidates(NamedTuple):
    """Room for one listener's candidates."""

    slot_of: NDArray[np.int32]
    """[tracks]: where a track stands in the other arrays, -1 if it is no candidate."""
    held: NDArray[np.int32]
    """[1]: how many candidates there are."""
    items: NDArray[np.int32]
    features: NDArray[np.float32]
    """[FEATURES, slots], 0 beyond the candidates."""
    facts: NDArray[np.float32]
    """[FACTS, slots], 0 beyond the candidates."""
    scores: NDArray[np.float64]
    chosen: NDArray[np.int32]
    """Slots of the candidates that are ranked; `ranked[0]` of them."""
    places: NDArray[np.int32]
    """Room to put the best in order."""
    ranked: NDArray[np.int32]
    buckets: NDArray[np.int32]
    """[slots, tables]: bucket of each chosen slot in each table."""
    sums: NDArray[np.float32]
    """[tracks]: what is summed up before it is known which tracks are candidates; else 0."""
    touched: NDArray[np.int32]
    """Tracks whose sum is not 0."""
    order: NDArray[np.float32]
    """Room to select in."""
    weights: NDArray[np.float64]
    """[FEATURES]: of this listener now."""
    slopes: NDArray[np.float64]
    """[FEATURES]: gradient."""
    chances: NDArray[np.float64]
    situation: NDArray[np.int32]
    """See `online_models.blend.situation`."""


def no_candidates(tracks: int, tables: int, situation: int) -> Candidates:
    """Room for candidates out of `tracks`."""
    return Candidates(
        slot_of=np.full(tracks, -1, np.int32),
        held=np.zeros(1, np.int32),
        items=np.zeros(SLOTS, np.int32),
        features=np.zeros((FEATURES, SLOTS), np.float32),
        facts=np.zeros((FACTS, SLOTS), np.float32),
        scores=np.zeros(SLOTS, np.float64),
        chosen=np.zeros(SLOTS, np.int32),
        places=np.zeros(SLOTS, np.int32),
        ranked=np.zeros(1, np.int32),
        buckets=np.zeros((SLOTS, tables), np.int32),
        sums=np.zeros(tracks, np.float32),
        touched=np.zeros(TOUCHED_MAX, np.int32),
        order=np.zeros(TOUCHED_MAX, np.float32),
        weights=np.zeros(FEATURES, np.float64),
        slopes=np.zeros(FEATURES, np.float64),
        chances=np.zeros(SLOTS, np.float64),
        situation=np.zeros(situation, np.int32),
    )


@njit_inlined
def propose(candidates: Candidates, item: int, source: int) -> int:
    """The slot of `item`, which is a candidate from now on, proposed by `source`."""
    slot = candidates.slot_of[item]
    if slot < 0:
        slot = candidates.held[0]
        candidates.held[0] = slot + 1
        candidates.slot_of[item] = slot
        candidates.items[slot] = item
    candidates.facts[SOURCES, slot] = np.float32(int(candidates.facts[SOURCES, slot]) | source)
    return slot


@njit_cached
def clear(candidates: Candidates) -> None:
    """Takes all candidates out again."""
    held = candidates.held[0]
    for slot in range(held):
        candidates.slot_of[candidates.items[slot]] = -1
    for feature in range(FEATURES):
        candidates.features[feature, :held] = 0.0
    for fact in range(FACTS):
        candidates.facts[fact, :held] = 0.0
    candidates.held[0] = 0
    candidates.ranked[0] = 0


@njit_cached
def nth_largest(values: NDArray[np.float32], n: int) -> float:
    """The n-th largest (from 1) of `values`, whose order it changes; Hoare's selection."""
    low, high, wanted = 0, len(values) - 1, n - 1
    while low < high:
        pivot = values[(low + high) // 2]
        left, right = low, high
        while left <= right:
            while values[left] > pivot:
                left += 1
            while values[right] < pivot:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left += 1
                right -= 1
        if wanted <= right:
            high = right
        elif wanted >= left:
            low = left
        else:
            break
    return values[wanted]


@njit_inlined
def beats(candidates: Candidates, slot: int, other: int) -> bool:
    """Whether `slot` stands before `other`: by score, then by smaller code."""
    mine, theirs = candidates.scores[slot], candidates.scores[other]
    return mine > theirs or (mine == theirs and candidates.items[slot] < candidates.items[other])
