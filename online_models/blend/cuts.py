"""From a quantity to a small number: how many of some cuts it reaches."""

import numpy as np
from numpy.typing import NDArray

from online_models.compiled import njit_inlined


@njit_inlined
def bucket(cuts: NDArray[np.float64], value: float) -> int:
    """How many of `cuts`, which rise, `value` reaches: 0 to len(cuts)."""
    reached = 0
    for cut in cuts:
        reached += value >= cut
    return reached
