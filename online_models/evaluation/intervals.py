"""A mean over plays, and how sure it is: plays of one listener are alike, so listeners count.

The interval is that of a ratio estimator over clusters of unequal size (Cochran, Sampling
Techniques, 1977, 9A), with the normal distribution: mean ± 1.96 · se, where se² is the sum over
listeners of (their sum - mean · their plays)², times c / (c - 1), over plays². With one listener
alone each play is a cluster of its own.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959963984540054


class Estimate(NamedTuple):
    """A mean and the ends of its 95 % interval; all 0 where there was nothing to take it of."""

    mean: float
    low: float
    high: float

    @property
    def interval(self) -> list[float]:
        """Both ends."""
        return [self.low, self.high]


def estimate(values: NDArray[np.float64], users: NDArray[np.int32]) -> Estimate:
    """The mean of `values`, clustered by `users` (codes); both are [n].

    >>> estimate(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0, 0, 1, 1])).interval
    [0.5, 0.5]
    """
    n = len(values)
    if n == 0:
        return Estimate(0.0, 0.0, 0.0)
    mean = float(values.mean())
    counts = np.bincount(users)
    clusters = int(np.count_nonzero(counts))
    if clusters < 2:
        apart, clusters = values - mean, n
    else:
        apart = np.bincount(users, weights=values) - mean * counts
    spread = float((apart**2).sum()) * clusters / (clusters - 1 or 1)
    margin = Z_95 * spread**0.5 / n
    return Estimate(mean, mean - margin, mean + margin)


def hits(places: NDArray[np.int8], k: int) -> NDArray[np.float64]:
    """1 where the played track was among the first `k`, else 0; `places` as `place_many`'s."""
    return ((places >= 0) & (places < k)).astype(np.float64)


def reciprocals(places: NDArray[np.int8], k: int) -> NDArray[np.float64]:
    """1 / (rank + 1) where the played track was among the first `k`, else 0."""
    return hits(places, k) / np.maximum(places.astype(np.float64) + 1.0, 1.0)
