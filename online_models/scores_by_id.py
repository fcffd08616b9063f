"""Sums by code, kept for the codes that were met: a map of fixed room that is quickly emptied."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.compiled import njit_cached
from online_models.selection import is_before, nth_best


class Sums(NamedTuple):
    """Scratch; empty once `clear_sums` was called."""

    place_of: NDArray[np.int32]
    """[codes]: -1 where there is no sum."""
    held: NDArray[np.int64]
    codes: NDArray[np.int32]
    values: NDArray[np.float64]
    extras: NDArray[np.float64]
    marks: NDArray[np.int32]
    order: NDArray[np.int32]


def no_sums(codes: int, room: int) -> Sums:
    """Room for `room` of `codes`."""
    return Sums(
        place_of=np.full(codes, -1, np.int32),
        held=np.zeros(1, np.int64),
        codes=np.zeros(room, np.int32),
        values=np.zeros(room, np.float64),
        extras=np.zeros(room, np.float64),
        marks=np.zeros(room, np.int32),
        order=np.zeros(room, np.int32),
    )


@njit_cached
def add_to(sums: Sums, code: int, value: float) -> int:
    """Adds to the sum of `code`; returns its place."""
    place = sums.place_of[code]
    if place < 0:
        place = sums.held[0]
        sums.held[0] = place + 1
        sums.place_of[code] = place
        sums.codes[place] = code
        sums.values[place] = value
        sums.extras[place] = 0.0
    else:
        sums.values[place] += value
    return place


@njit_cached
def clear_sums(sums: Sums) -> None:
    """Empties the map."""
    for place in range(sums.held[0]):
        sums.place_of[sums.codes[place]] = -1
    sums.held[0] = 0


@njit_cached
def worst_of_best(sums: Sums, n: int) -> int:
    """Place of the last of the best `n`, -1 if there are not more than `n`."""
    if sums.held[0] <= n:
        return -1
    return nth_best(sums.values, sums.codes, sums.held[0], n - 1, sums.order)


@njit_cached
def is_among(sums: Sums, place: int, worst: int) -> bool:
    """Whether `place` is one of the best, down to `worst`."""
    return worst < 0 or not is_before(
        sums.values[worst], sums.codes[worst], sums.values[place], sums.codes[place]
    )
