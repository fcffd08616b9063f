"""Decaying rows: bounded rows of counts with exponential decay (a forgetting factor).

A row holds the heaviest entries (item, weight), heaviest first. New counts weigh more than old
ones: w(item) = sum over its additions of value · decay^(number of later additions to the row).
Instead of shrinking all entries, an addition grows the row's unit, so that it costs one entry. The
lightest entry is replaced by a new item; its weight stays in `sum`, so that shares are of all
additions. A row of zeros is empty, so that unused rows take no physical memory.
"""

from typing import Any

import numpy as np

from online_models.kernels.compiled import njit_inner

UNIT_MAX = 2.0**30
"""The unit above which a row is rescaled."""


def row_dtype(width: int) -> "np.dtype[np.void]":
    """The dtype of a row with `width` entries, 8 · width + 12 bytes."""
    return np.dtype(
        [
            ("items", "<i4", (width,)),
            ("weights", "<f4", (width,)),  # in the row's units
            ("sum", "<f4"),  # all additions, in the row's units
            ("unit", "<f4"),  # the weight of an addition of 1 now
            ("held", "<i4"),
        ],
        align=True,
    )


@njit_inner
def mass_of(row: Any) -> float:
    """The sum of all decayed additions to the row, in additions of 1."""
    return np.float64(row.sum) / np.float64(row.unit) if row.held > 0 else 0.0


@njit_inner
def _slot_for(row: Any, item: int) -> int:
    found = 0  # a loop without an exit is vectorised
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
def _move_up(row: Any, slot: int) -> None:
    item, weight = row.items[slot], row.weights[slot]
    while slot > 0 and row.weights[slot - 1] < weight:
        row.items[slot] = row.items[slot - 1]
        row.weights[slot] = row.weights[slot - 1]
        slot -= 1
    row.items[slot] = item
    row.weights[slot] = weight


@njit_inner
def _rescale(row: Any) -> None:
    """Divides all weights by a power of two, which is exact and keeps their order."""
    for slot in range(row.held):
        row.weights[slot] /= UNIT_MAX
    row.sum /= UNIT_MAX
    row.unit /= UNIT_MAX


@njit_inner
def add_to_row(row: Any, item: int, value: float, decay: float) -> None:
    """Adds `value` to the count of `item`; earlier additions decay by the factor `decay`."""
    row.unit = row.unit / decay if row.held > 0 else 1.0
    added = np.float32(value * row.unit)
    row.sum += added
    slot = _slot_for(row, item)
    row.weights[slot] += added
    _move_up(row, slot)
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
