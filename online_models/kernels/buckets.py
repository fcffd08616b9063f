"""Buckets: amounts as small whole numbers (binning), the keys of bucket tables."""

import numpy as np
from numpy.typing import NDArray

from online_models.kernels.compiled import njit_inner

COUNT_CUTS = np.array([0.0, 0.3, 0.75, 1.5, 2.5, 5.0, 12.0])
SHARE_CUTS = np.array([0.0, 0.07, 0.15, 0.3, 0.5, 0.7])
MASS_CUTS = np.array([1.0, 4.0, 16.0])
GRAM_MASS_CUTS = np.array([0.0, 1.5, 4.0])
ARTIST_CUTS = np.array([0.0, 1.2, 2.1])
AGE_CUTS_S = np.array([600.0, 3600.0, 21600.0, 86400.0, 3 * 86400.0, 7 * 86400.0, 30 * 86400.0])
"""Ages of a play, in seconds."""


@njit_inner
def bucket_of(cuts: NDArray[np.float64], amount: float) -> int:
    """The bucket of `amount`: the number of `cuts` (ascending) below it."""
    bucket = 0
    for cut in cuts:
        bucket += amount > cut
    return bucket


def _places(cuts: tuple[int, ...], last: int) -> NDArray[np.int32]:
    return np.searchsorted(np.array(cuts), np.arange(last + 1)).astype(np.int32) + 1


SLOTS = _places((1, 2, 4, 8, 16, 32), 33)[1:]
"""The bucket of a place in a row (from 0), 1 to 6; 0 is left for "not in the row"."""
GAPS = _places((1, 2, 3, 5, 8, 12, 16, 20, 30, 50, 80, 128, 256, 512), 1026)[1:]
"""The bucket of a gap, in plays (from 0), 1 to 15."""
