"""Top-k selection in linear time (quickselect); ties go to the smaller code."""

import numpy as np
from numpy.typing import NDArray

from online_models.kernels.compiled import njit_inner


@njit_inner
def is_before(value: float, code: int, other_value: float, other_code: int) -> bool:
    """Whether the first (value, code) ranks before the second: by value, then by smaller code."""
    return value > other_value or (value == other_value and code < other_code)


@njit_inner
def nth_best(
    values: NDArray[np.float64],
    codes: NDArray[np.int32],
    held: int,
    n: int,
    order: NDArray[np.int32],
) -> int:
    """The position of the n-th best (from 0) of the first `held` values; codes are distinct.

    Hoare's selection algorithm (quickselect); `order`, [held], is scratch memory.
    """
    for at in range(held):
        order[at] = at
    low, high = 0, held - 1
    while low < high:
        middle = order[(low + high) >> 1]
        value, code = values[middle], codes[middle]
        left, right = low, high
        while left <= right:
            while is_before(values[order[left]], codes[order[left]], value, code):
                left += 1
            while is_before(value, code, values[order[right]], codes[order[right]]):
                right -= 1
            if left <= right:
                order[left], order[right] = order[right], order[left]
                left += 1
                right -= 1
        if n <= right:
            high = right
        elif n >= left:
            low = left
        else:
            break
    return order[n]
