"""Sums by code: a sparse map of fixed capacity (a sparse set), which is emptied quickly."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.kernels.compiled import njit_inner
from online_models.kernels.top_k import is_before, nth_best

SUMS_MAX = 1280
"""Maximum number of codes with a sum."""
SUMS = np.dtype(
    [
        ("held", "<i8"),
        ("codes", "<i4", (SUMS_MAX,)),
        ("values", "<f8", (SUMS_MAX,)),
        ("extras", "<f8", (SUMS_MAX,)),
        ("marks", "<i4", (SUMS_MAX,)),
        ("times", "<i4", (SUMS_MAX,)),  # number of additions
        ("order", "<i4", (SUMS_MAX,)),
    ],
    align=True,
)
"""Scratch memory; `place_of`, int32[codes], holds 1 + the place of a code, or 0."""


@njit_inner
def add_to_sum(sums: Any, place_of: NDArray[np.int32], code: int, value: float) -> int:
    """Adds `value` to the sum of `code`; returns the place of the sum."""
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
def last_of_top(sums: Any, n: int) -> int:
    """The place of the n-th largest sum; -1 if there are at most `n`."""
    if sums.held <= n:
        return -1
    return nth_best(sums.values, sums.codes, sums.held, n - 1, sums.order)


@njit_inner
def is_in_top(sums: Any, place: int, worst: int) -> bool:
    """Whether the sum at `place` is at least as good as the one at `worst`, see `last_of_top`."""
    return worst < 0 or not is_before(
        sums.values[worst], sums.codes[worst], sums.values[place], sums.codes[place]
    )


@njit_inner
def largest_sum(sums: Any) -> float:
    """The largest sum."""
    best = 0.0
    for place in range(sums.held):
        best = max(best, sums.values[place])
    return best
