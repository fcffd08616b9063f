"""Means over plays with 95 % confidence intervals, clustered by listener.

Plays of one listener are correlated, so the listeners, and not the plays, are the sample. The
interval is that of a ratio estimator over clusters of unequal size (Cochran, Sampling
Techniques, 1977, 9A), with the normal distribution: mean ± 1.96 · se, where se² is the sum over
listeners of (their sum - mean · their plays)², times c / (c - 1), over plays². With one listener
alone each play is a cluster of its own.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959963984540054


class Estimate(NamedTuple):
    """A mean and both ends of its 95 % confidence interval; all are 0 if there were no values."""

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
    if clusters <= 1:
        residuals, clusters = values - mean, n
    else:
        residuals = np.bincount(users, weights=values) - mean * counts
    spread = float((residuals**2).sum()) * clusters / (clusters - 1 or 1)
    margin = Z_95 * spread**0.5 / n
    return Estimate(mean, mean - margin, mean + margin)


def hits(places: NDArray[np.int8], k: int) -> NDArray[np.float64]:
    """Hits, [n]: 1 if the played track was among the first `k`, otherwise 0.

    `places`, [n]: as `Ranker.place_many` returns them.
    """
    return ((places >= 0) & (places < k)).astype(np.float64)


def reciprocals(places: NDArray[np.int8], k: int) -> NDArray[np.float64]:
    """Reciprocal ranks, [n]: 1 / (rank + 1) if the track was among the first `k`, otherwise 0."""
    return hits(places, k) / np.maximum(places.astype(np.float64) + 1.0, 1.0)
