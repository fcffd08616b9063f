"""Tracks that a listener never wants to see again, until they say otherwise."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.compiled import njit_cached

HATED_MAX = 16
"""A listener who hates more tracks than this sees the one hated longest ago again."""


class Hated(NamedTuple):
    """One row a listener, 68 bytes."""

    tracks: NDArray[np.int32]
    """[listeners, HATED_MAX], hated longest ago first."""
    held: NDArray[np.int32]


def none_hated(listeners: int) -> Hated:
    """Rows of `listeners` who hate nothing."""
    return Hated(np.zeros((listeners, HATED_MAX), np.int32), np.zeros(listeners, np.int32))


@njit_cached
def _drop(hated: Hated, listener: int, at: int) -> None:
    tracks = hated.tracks[listener]
    hated.held[listener] -= 1
    for slot in range(at, hated.held[listener]):
        tracks[slot] = tracks[slot + 1]
    tracks[hated.held[listener]] = 0


@njit_cached
def forgive(hated: Hated, listener: int, track: int) -> None:
    """The listener hates `track` no longer."""
    for slot in range(hated.held[listener]):
        if hated.tracks[listener, slot] == track:
            _drop(hated, listener, slot)
            return


@njit_cached
def hate(hated: Hated, listener: int, track: int) -> None:
    """The listener hates `track`, and has never hated anything later."""
    forgive(hated, listener, track)
    if hated.held[listener] == HATED_MAX:
        _drop(hated, listener, 0)
    hated.tracks[listener, hated.held[listener]] = track
    hated.held[listener] += 1


@njit_cached
def clear_hated(hated: Hated, listener: int) -> None:
    """Forgets what the listener hates."""
    hated.tracks[listener] = 0
    hated.held[listener] = 0
