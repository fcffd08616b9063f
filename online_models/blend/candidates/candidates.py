"""The tracks that are ranked for one listener: gathered once each, described, cut to a list.

Scratch, not state: it is as it was before once `clear`ed. The order in which tracks are proposed
is fixed, since the sums of floats follow it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates.features import FEATURES, SOURCES, TRAITS
from online_models.kernels.compiled import njit_inner

ASKED_MAX = 256
"""Tracks whose scores are asked for at once."""
SLOTS_MAX = 1000
"""Candidates and asked tracks; whoever comes later is no candidate."""
HATED_SCORE = -1000.0
"""Below the score of every track that is not hated; such a track is in no list."""

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
"""Room for one listener's candidates. `slot_of`, int32[tracks], says 1 + where a track stands."""


@njit_inner
def slot_for(slot_of: NDArray[np.int32], item: int) -> int:
    """Where `item` stands among the candidates, negative if it is none."""
    return int(slot_of[item]) - 1


@njit_inner
def admit(candidates: Any, slot_of: NDArray[np.int32], item: int, source: int) -> int:
    """The slot of `item`, which is a candidate from now on; -1 if there is no room."""
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
def clear(candidates: Any, slot_of: NDArray[np.int32]) -> None:
    """Takes all candidates out again."""
    held = candidates.held
    for slot in range(held):
        slot_of[candidates.items[slot]] = 0
        for trait in range(TRAITS):
            candidates.traits[slot, trait] = 0
    for f in range(FEATURES):
        for slot in range(held):
            candidates.features[f, slot] = 0.0
    candidates.held = 0
