"""Rows of weighted items whose memory fades: what most experts keep.

New evidence weighs more than old: not by shrinking what is there but by growing the row's `grain`,
so that an update costs one entry. Entries stand in order of weight; a full row gives up its last.
The mass of evicted entries stays in `mass`, so that a share is one of all that was ever seen.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.compiled import njit_cached

GRAIN_MAX = 2.0**30


class FadingRows(NamedTuple):
    """[rows, length] items and weights; 8 bytes an entry and 9 a row."""

    items: NDArray[np.int32]
    """Heaviest first."""
    weights: NDArray[np.float32]
    """In units of `grain`."""
    mass: NDArray[np.float32]
    grain: NDArray[np.float32]
    held: NDArray[np.uint8]


def no_rows(rows: int, length: int) -> FadingRows:
    """Empty rows of at most `length` (< 256) entries."""
    return FadingRows(
        items=np.zeros((rows, length), np.int32),
        weights=np.zeros((rows, length), np.float32),
        mass=np.zeros(rows, np.float32),
        grain=np.ones(rows, np.float32),
        held=np.zeros(rows, np.uint8),
    )


@njit_cached
def clear_row(rows: FadingRows, row: int) -> None:
    """Empties a row."""
    rows.items[row] = 0
    rows.weights[row] = 0.0
    rows.mass[row] = 0.0
    rows.grain[row] = 1.0
    rows.held[row] = 0


@njit_cached
def add(rows: FadingRows, row: int, item: int, value: float, fading: float) -> None:
    """Adds `value` to `item`; all that was there before fades by the factor `fading`."""
    grain = rows.grain[row] / fading
    if grain > GRAIN_MAX:
        rows.weights[row] /= GRAIN_MAX  # a power of two: no order can change
        rows.mass[row] /= GRAIN_MAX
        grain /= GRAIN_MAX
    rows.grain[row] = grain
    gain = value * grain
    rows.mass[row] += gain
    items, weights, held = rows.items[row], rows.weights[row], rows.held[row]
    at = 0
    while at < held and items[at] != item:
        at += 1
    weight = np.float32(gain)
    if at < held:
        weight += weights[at]
    elif held < len(items):
        rows.held[row] = held + 1
    else:
        at = held - 1
    while at > 0 and weights[at - 1] < weight:
        weights[at], items[at] = weights[at - 1], items[at - 1]
        at -= 1
    weights[at], items[at] = weight, item
