"""The candidates: the tracks that are ranked for one listener, each once, with their features.

They are scratch memory and no part of the state; `clear_candidates` empties it. The order in which
tracks are proposed is fixed, because sums of floats depend on it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates.features import FEATURES, SOURCES, TRAITS
from online_models.kernels.compiled import njit_inner

SCORED_MAX = 256
"""Maximum number of tracks whose scores are requested in one call."""
SLOTS_MAX = 1000
"""Maximum number of candidates and requested tracks; later ones are dropped."""
EXCLUDED_SCORE = -1000.0
"""The score of hated and dismissed tracks, below that of all others; they are in no list."""

CANDIDATES = np.dtype(
    [
        ("held", "<i8"),
        ("items", "<i4", (SLOTS_MAX,)),
        ("scores", "<f8", (SLOTS_MAX,)),
        ("features", "<f8", (FEATURES, SLOTS_MAX)),
        ("traits", "<i4", (SLOTS_MAX, TRAITS)),
    ],
    align=True,
)
"""One listener's candidates; `slot_of`, int32[tracks], holds 1 + the slot of a track, or 0."""


@njit_inner
def slot_for(slot_of: NDArray[np.int32], item: int) -> int:
    """The slot of `item` among the candidates; negative if it is none."""
    return int(slot_of[item]) - 1


@njit_inner
def add_candidate(candidates: Any, slot_of: NDArray[np.int32], item: int, source: int) -> int:
    """Adds `item` to the candidates, and the bit `source` to its sources; returns its slot.

    Returns -1 if `SLOTS_MAX` is reached.
    """
    slot = slot_for(slot_of, item)
    if slot < 0:
        slot = candidates.held
        if slot == SLOTS_MAX:
            return -1
        candidates.held = slot + 1
        slot_of[item] = slot + 1
        candidates.items[slot] = item
    candidates.traits[slot, SOURCES] |= source
    return slot


@njit_inner
def clear_candidates(candidates: Any, slot_of: NDArray[np.int32]) -> None:
    """Removes all candidates."""
    held = candidates.held
    for slot in range(held):
        slot_of[candidates.items[slot]] = 0
        for trait in range(TRAITS):
            candidates.traits[slot, trait] = 0
    for f in range(FEATURES):
        for slot in range(held):
            candidates.features[f, slot] = 0.0
    candidates.held = 0
