"""`PairedDifference`: a mean difference with a confidence sequence, valid however often one looks.

An ordinary 95 % interval that is looked at every hour is wrong sooner or later: "better" is found
in most comparisons of two equal models. A confidence sequence is right at all times at once.

Two sequences are computed, and the wider one counts:

- The *empirical-Bernstein* sequence covers the mean of the expected differences of *these* plays,
  however they depend on each other: Howard, Ramdas, McAuliffe & Sekhon, Time-uniform,
  nonparametric, nonasymptotic confidence sequences (Annals of Statistics 2021), theorem 4 with the
  stitched boundary (10).
- The *clustered* sequence covers other listeners, too. Its variance is that of sums over clusters
  of listeners, in Robbins' normal mixture. It is asymptotic (Waudby-Smith, Arbour, Sinha, Kennedy &
  Ramdas, Time-uniform central limit theory, 2024).
"""

from math import log, log2, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CLUSTERS = 64
"""Number of clusters of listeners."""
ALPHA = 0.05
"""The chance that a sequence ever leaves out the true value: at most this."""
_VARIANCE_MIN = 250.0
"""The boundary is tightest from about this many plays on, and valid before."""
_RANGE = 2.0
"""A difference of two hits is from -1 to 1."""
_S, _ZETA_S = 1.4, 3.105547277977581
_K1_SQUARED, _K2 = (2**0.5 + 2**-0.5 + 2) / 2, (2**0.5 + 1) / 2
"""Constants of the boundary for η = 2."""
_SHARE_OF_A_CLUSTER = 0.01


class Interval(NamedTuple):
    """The mean difference, both ends of its confidence sequence, and both radii."""

    mean: float
    low: float
    high: float
    sequence: float
    """Half the width of the empirical-Bernstein sequence."""
    clustered: float
    """Half the width of the clustered sequence."""


class PairedDifference:
    """Sums of paired differences from -1 to 1; feed them in the order of the plays.

    `scale` is the length of the range that the values are in: 1 for values from 0 to 1.
    """

    def __init__(self, scale: float = _RANGE) -> None:
        self._scale = scale
        self.count = 0
        self.sum = 0.0
        self.variance = 0.0
        """Sum of the squared distances from the mean that was known before each block."""
        self._counts = np.zeros(CLUSTERS)
        self._sums = np.zeros(CLUSTERS)

    @property
    def mean(self) -> float:
        """The mean difference; 0 before the first play."""
        return self.sum / self.count if self.count else 0.0

    @property
    def clusters(self) -> int:
        """Number of clusters that have at least 1 % of the plays."""
        return int((self._counts >= max(1.0, _SHARE_OF_A_CLUSTER * self.count)).sum())

    def update(self, differences: NDArray[np.float64], clusters: NDArray[np.int64]) -> None:
        """Adds a block of plays: [n] differences, and the cluster of each play's listener.

        The variance is predictable: it compares with the mean *before* the block.
        """
        self.variance += float(((differences - self.mean) ** 2).sum())
        self.count += len(differences)
        self.sum += float(differences.sum())
        self._counts += np.bincount(clusters, minlength=CLUSTERS)
        self._sums += np.bincount(clusters, weights=differences, minlength=CLUSTERS)

    def interval(self, alpha: float = ALPHA) -> Interval:
        """The confidence sequence now."""
        if not self.count:
            return Interval(0.0, -1.0, 1.0, 1.0, 1.0)
        spread = float(((self._sums - self._counts * self.mean) ** 2).sum())
        between = max(self.variance, spread * CLUSTERS / (CLUSTERS - 1))
        sequence = stitched_boundary(self.variance, alpha / 2, scale=self._scale) / self.count
        clustered = mixture_boundary(between, alpha) / self.count
        radius = max(sequence, clustered)
        low, high = max(-1.0, self.mean - radius), min(1.0, self.mean + radius)
        return Interval(self.mean, low, high, sequence, clustered)


def cluster_of(users: NDArray[np.int32]) -> NDArray[np.int64]:
    """The cluster of each listener's code, [n]: a hash, because codes are in order of arrival.

    >>> cluster_of(np.array([0, 1, 2, 1], np.int32)).tolist()
    [0, 57, 50, 57]
    """
    mixed = (users.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)
    return (mixed % np.uint64(CLUSTERS)).astype(np.int64)


def stitched_boundary(
    variance: float, alpha: float, *, minimum: float = _VARIANCE_MIN, scale: float = _RANGE
) -> float:
    """The one-sided stitched boundary of a sum at an intrinsic time `variance` (formula 10).

    >>> round(stitched_boundary(100.0, 0.05, minimum=10.0, scale=3.0), 5)
    64.48755
    """
    v = max(variance, minimum)
    level = _S * log(1 + log2(v / minimum)) + log(_ZETA_S) - log(alpha)
    linear = _K2 * scale * level
    return sqrt(_K1_SQUARED * v * level + linear**2) + linear


def mixture_boundary(variance: float, alpha: float, *, rho: float = _VARIANCE_MIN) -> float:
    """The two-sided boundary of Robbins' normal mixture of a sum with this variance."""
    v = variance + rho
    return sqrt(v * log(v / (rho * alpha**2)))
