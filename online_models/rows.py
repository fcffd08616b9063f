"""Rows that count what goes with what, bounded, with a memory that fades.

A row holds the heaviest entries (item, weight), heaviest first. New evidence weighs more than
old: not by shrinking what is there but by growing the row's unit, so that an addition costs one
entry. The mass of evicted entries stays in `sums`, so that a share is one of all there ever was.
Rows of zeros are empty rows: room that nobody uses yet takes no memory.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.compiled import njit_cached

UNIT_MAX = 2.0**30


class Rows(NamedTuple):
    """`width` entries a row: 8 · width + 12 bytes."""

    items: NDArray[np.int32]
    """[rows, width], heaviest first."""
    weights: NDArray[np.float32]
    """[rows, width], in the row's units."""
    sums: NDArray[np.float32]
    """[rows]: all that was ever added, in the row's units."""
    units: NDArray[np.float32]
    """[rows]: what an addition of 1 weighs now."""
    held: NDArray[np.int32]


def no_rows(rows: int, width: int) -> Rows:
    """Empty rows."""
    return Rows(
        items=np.zeros((rows, width), np.int32),
        weights=np.zeros((rows, width), np.float32),
        sums=np.zeros(rows, np.float32),
        units=np.zeros(rows, np.float32),
        held=np.zeros(rows, np.int32),
    )


@njit_cached
def mass_of(rows: Rows, row: int) -> float:
    """All that was added to the row, faded, in additions of 1."""
    return np.float64(rows.sums[row]) / rows.units[row] if rows.held[row] > 0 else 0.0


@njit_cached
def _slot_for(rows: Rows, row: int, item: int) -> int:
    held, width = rows.held[row], rows.items.shape[1]
    for slot in range(held):
        if rows.items[row, slot] == item:
            return slot
    slot = min(held, width - 1)
    rows.held[row] = slot + 1
    rows.items[row, slot] = item
    rows.weights[row, slot] = 0.0
    return slot


@njit_cached
def _rise(rows: Rows, row: int, slot: int) -> None:
    item, weight = rows.items[row, slot], rows.weights[row, slot]
    while slot > 0 and rows.weights[row, slot - 1] < weight:
        rows.items[row, slot] = rows.items[row, slot - 1]
        rows.weights[row, slot] = rows.weights[row, slot - 1]
        slot -= 1
    rows.items[row, slot], rows.weights[row, slot] = item, weight


@njit_cached
def _rescale(rows: Rows, row: int) -> None:
    """Divides by a power of two, which is exact: no order can change."""
    for slot in range(rows.held[row]):
        rows.weights[row, slot] /= UNIT_MAX
    rows.sums[row] /= UNIT_MAX
    rows.units[row] /= UNIT_MAX


@njit_cached
def add(rows: Rows, row: int, item: int, value: float, fading: float) -> None:
    """`item` came with `row`, worth `value`; what came before fades by the factor `fading`."""
    if rows.held[row] == 0:
        rows.units[row] = 1.0
    else:
        rows.units[row] /= fading
    added = np.float32(value * rows.units[row])
    rows.sums[row] += added
    slot = _slot_for(rows, row, item)
    rows.weights[row, slot] += added
    _rise(rows, row, slot)
    if rows.units[row] > UNIT_MAX:
        _rescale(rows, row)


@njit_cached
def clear_row(rows: Rows, row: int) -> None:
    """Empties the row."""
    rows.items[row] = 0
    rows.weights[row] = 0.0
    rows.sums[row] = 0.0
    rows.units[row] = 0.0
    rows.held[row] = 0
