"""Tracks that a listener never wants to see again, until they say otherwise."""

from typing import Any

import numpy as np

from online_models.compiled import njit_inner

HATED_MAX = 16
"""A listener who hates more tracks than this sees the one hated longest ago again."""
HATED = np.dtype([("tracks", "<i4", (HATED_MAX,)), ("held", "<i4")], align=True)
"""One a listener, 68 bytes; hated longest ago first."""


@njit_inner
def _drop(hated: Any, at: int) -> None:
    hated.held -= 1
    for slot in range(at, hated.held):
        hated.tracks[slot] = hated.tracks[slot + 1]
    hated.tracks[hated.held] = 0


@njit_inner
def forgive(hated: Any, track: int) -> None:
    """The listener hates `track` no longer."""
    for slot in range(hated.held):
        if hated.tracks[slot] == track:
            _drop(hated, slot)
            return


@njit_inner
def hate(hated: Any, track: int) -> None:
    """The listener hates `track`, and has never hated anything later."""
    forgive(hated, track)
    if hated.held == HATED_MAX:
        _drop(hated, 0)
    hated.tracks[hated.held] = track
    hated.held += 1


@njit_inner
def clear_hated(hated: Any) -> None:
    """Forgets what the listener hates."""
    hated.tracks[:] = 0
    hated.held = 0
