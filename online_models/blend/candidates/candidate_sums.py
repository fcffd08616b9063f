"""Sums by code, kept for the codes that were met: a map of fixed room that is quickly emptied."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.kernels.compiled import njit_inner
from online_models.kernels.selection import is_before, nth_best

ROOM = 1280
"""Codes that may have a sum at once."""
SUMS = np.dtype(
    [
        ("held", "<i8"),
        ("codes", "<i4", (ROOM,)),
        ("values", "<f8", (ROOM,)),
        ("extras", "<f8", (ROOM,)),
        ("marks", "<i4", (ROOM,)),
        ("times", "<i4", (ROOM,)),  # how often was added to it
        ("order", "<i4", (ROOM,)),
    ],
    align=True,
)
"""Scratch, empty once `clear_sums` was called; `place_of`, int32[codes]: 1 + place of a code."""


@njit_inner
def add_to(sums: Any, place_of: NDArray[np.int32], code: int, value: float) -> int:
    """Adds to the sum of `code`; returns its place."""
    place = int(place_of[code]) - 1
    if place >= 0:
        sums.values[place] += value
        sums.times[place] += 1
        return place
    place = sums.held
    sums.held = place + 1
    place_of[code] = place + 1
    sums.codes[place] = code
    sums.values[place] = value
    sums.extras[place] = 0.0
    sums.times[place] = 1
    return place


@njit_inner
def clear_sums(sums: Any, place_of: NDArray[np.int32]) -> None:
    """Empties the map."""
    for place in range(sums.held):
        place_of[sums.codes[place]] = 0
    sums.held = 0


@njit_inner
def worst_of_best(sums: Any, n: int) -> int:
    """Place of the last of the best `n`, -1 if there are not more than `n`."""
    if sums.held <= n:
        return -1
    return nth_best(sums.values, sums.codes, sums.held, n - 1, sums.order)


@njit_inner
def is_among(sums: Any, place: int, worst: int) -> bool:
    """Whether `place` is one of the best, down to `worst`."""
    return worst < 0 or not is_before(
        sums.values[worst], sums.codes[worst], sums.values[place], sums.codes[place]
    )


@njit_inner
def largest(sums: Any) -> float:
    """The largest sum."""
    best = 0.0
    for place in range(sums.held):
        best = max(best, sums.values[place])
    return best
