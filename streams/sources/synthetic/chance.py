"""A stateless (counter-based) random number generator: a number is a hash of a seed and keys.

Any part of a town can therefore be computed alone, in any order and process. The numbers do not
depend on another library's generator, which its next version may change.
"""

from collections.abc import Iterable
from fractions import Fraction
from itertools import accumulate
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Shares = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_SEED_MASK = (1 << 64) - 1
_UNIT = 2.0**-53


class Chance:
    """Random draws of a seed; equal keys give equal numbers, different keys independent ones.

    >>> chance = Chance(7)
    >>> days = np.arange(3)
    >>> bool((chance.share("rain", days) == chance.share("rain", days)).all())
    True
    >>> bool((chance.share("rain", days) == chance.share("snow", days)).any())
    False
    """

    def __init__(self, seed: int) -> None:
        self._seed = np.array(seed & _SEED_MASK, np.uint64)

    def share(self, what: str, *keys: Numbers | int) -> Shares:
        """Numbers in [0, 1) for `what`, one for each of `keys`, which are broadcast."""
        bits = _mixed(self._seed ^ np.uint64(crc32(what.encode())))
        for key in keys:
            bits = _mixed(bits ^ np.asarray(key, np.int64).view(np.uint64))
        return np.asarray((bits >> np.uint64(11)).astype(np.float64) * _UNIT)

    def below(self, limit: Numbers | int, what: str, *keys: Numbers | int) -> Numbers:
        """Whole numbers in [0, limit), as `share`."""
        return np.asarray(self.share(what, *keys) * limit, np.int64)


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, 2014)."""
    # At least one dimension: numpy warns if a scalar overflows, but not if an array does.
    bits = np.atleast_1d(bits) + _GOLDEN
    bits = (bits ^ (bits >> np.uint64(30))) * _FIRST
    bits = (bits ^ (bits >> np.uint64(27))) * _SECOND
    return np.asarray(bits ^ (bits >> np.uint64(31)))


class Weighted:
    """A discrete distribution over 0, 1, 2, ...; probabilities are proportional to the weights.

    >>> Weighted([1, 0, 3]).at(np.array([0.0, 0.24, 0.25, 0.99])).tolist()
    [0, 0, 2, 2]
    """

    def __init__(self, weights: Iterable[int | Fraction]) -> None:
        sums = list(accumulate(Fraction(weight) for weight in weights))
        self._upto = np.array([float(one / sums[-1]) for one in sums])

    def at(self, shares: Shares) -> Numbers:
        """The numbers that uniform draws `shares` in [0, 1) select."""
        return np.asarray(np.searchsorted(self._upto, shares, side="right"), np.int64)


def zipf(count: int, flat: int = 0) -> Weighted:
    """Zipf's law over 0 to count - 1; a larger `flat` makes it flatter."""
    return Weighted(Fraction(1, rank + 1 + flat) for rank in range(count))
