"""Rows that count what goes with what, bounded, with a memory that fades.

A row holds the heaviest entries (item, weight), heaviest first. New evidence weighs more than
old: not by shrinking what is there but by growing the row's unit, so that an addition costs one
entry. The mass of evicted entries stays in `sum`, so that a share is one of all there ever was.
A row of zeros is an empty row: room that nobody uses yet takes no memory.
"""

from typing import Any

import numpy as np

from online_models.kernels.compiled import njit_inner

UNIT_MAX = 2.0**30


def row_of(width: int) -> "np.dtype[np.void]":
    """The record of a row with `width` entries, 8 · width + 12 bytes."""
    return np.dtype(
        [
            ("items", "<i4", (width,)),
            ("weights", "<f4", (width,)),  # in the row's units
            ("sum", "<f4"),  # all that was ever added, in the row's units
            ("unit", "<f4"),  # what an addition of 1 weighs now
            ("held", "<i4"),
        ],
        align=True,
    )


@njit_inner
def mass_of(row: Any) -> float:
    """All that was added to the row, faded, in additions of 1."""
    return np.float64(row.sum) / np.float64(row.unit) if row.held > 0 else 0.0


@njit_inner
def _slot_for(row: Any, item: int) -> int:
    found = 0  # without a way out of the loop, many entries are compared at once
    for slot in range(row.held):
        found |= slot + 1 if row.items[slot] == item else 0
    if found > 0:
        return found - 1
    slot = min(int(row.held), len(row.items) - 1)
    row.held = slot + 1
    row.items[slot] = item
    row.weights[slot] = 0.0
    return slot


@njit_inner
def _rise(row: Any, slot: int) -> None:
    item, weight = row.items[slot], row.weights[slot]
    while slot > 0 and row.weights[slot - 1] < weight:
        row.items[slot] = row.items[slot - 1]
        row.weights[slot] = row.weights[slot - 1]
        slot -= 1
    row.items[slot] = item
    row.weights[slot] = weight


@njit_inner
def _rescale(row: Any) -> None:
    """Divides by a power of two, which is exact: no order can change."""
    for slot in range(row.held):
        row.weights[slot] /= UNIT_MAX
    row.sum /= UNIT_MAX
    row.unit /= UNIT_MAX


@njit_inner
def add(row: Any, item: int, value: float, fading: float) -> None:
    """`item` came, worth `value`; what came before fades by the factor `fading`."""
    row.unit = row.unit / fading if row.held > 0 else 1.0
    added = np.float32(value * row.unit)
    row.sum += added
    slot = _slot_for(row, item)
    row.weights[slot] += added
    _rise(row, slot)
    if row.unit > UNIT_MAX:
        _rescale(row)


@njit_inner
def clear_row(row: Any) -> None:
    """Empties the row."""
    row.items[:] = 0
    row.weights[:] = 0.0
    row.sum = 0.0
    row.unit = 0.0
    row.held = 0
