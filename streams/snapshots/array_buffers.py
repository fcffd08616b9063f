"""Preallocates memory for a copy of a large state, and touches it before the copy needs it.

Most of the time of a copy goes to pages that were never touched, which the system has to clear.
So memory is preallocated in another thread while learning continues; see
`streams.folding.state_copy`.
"""

import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from streams.folding.state_copy import Views

GROWTH_FACTOR = 1.1
"""Buffers are larger than the state by this factor, because learning continues meanwhile."""
_TOUCHED_BYTES, _PAUSE_S = 1 << 20, 0.002
"""After this number of bytes the thread pauses this long, so that other threads can run."""


def preallocate(sizes: Mapping[str, int]) -> dict[str, NDArray[np.uint8]]:
    """Touched buffers for arrays of these sizes (bytes) and some growth; blocks."""
    buffers = {each: np.empty(int(n * GROWTH_FACTOR), np.uint8) for each, n in sizes.items()}
    for each in buffers.values():
        for start in range(0, len(each), _TOUCHED_BYTES):
            each[start : start + _TOUCHED_BYTES].fill(0)
            if start:
                time.sleep(_PAUSE_S)
    return buffers


def sizes_of(views: Views) -> dict[str, int]:
    """Size of each array in bytes."""
    return {name: sum(part.nbytes for part in parts) for name, parts in views.items()}
