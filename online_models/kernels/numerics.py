"""Logarithm and exponential that give the same bits on every machine.

The functions of C libraries differ in the last bit between machines and versions. These use only
a table, additions, multiplications and the bits of a float. The tables are computed by `decimal`,
whose arithmetic is in software and correctly rounded.
"""

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from online_models.kernels.compiled import njit_inner

_STEPS = 128
_INVERSES = np.array([1.0 / (1.0 + (at + 0.5) / _STEPS) for at in range(_STEPS)])
_LOGS = np.array([float(-Decimal(float(inverse)).ln()) for inverse in _INVERSES])
_LN_2 = float(Decimal(2).ln())
_MANTISSA, _ONE = (1 << 52) - 1, 1023 << 52

_POWERS = np.array([float(Decimal(2) ** (Decimal(at) / 32)) for at in range(32)])
_PIECE = float(Decimal(2).ln() / 32)
EXP_MIN = -700.0
"""Smallest argument of `exp_of`."""


def logs_below(end: int) -> NDArray[np.float64]:
    """A table, float64[end], of ln(n) by n, correctly rounded; its value for 0 is 0."""
    return np.array([0.0, *(float(Decimal(n).ln()) for n in range(1, end))])


@njit_inner
def log_of(x: float) -> float:
    """ln(x) for any normal x > 0; error below 1e-10."""
    bits = np.float64(x).view(np.int64)
    exponent = (bits >> 52) - 1023
    at = (bits >> 45) & (_STEPS - 1)
    mantissa = np.int64((bits & _MANTISSA) | _ONE).view(np.float64)
    r = mantissa * _INVERSES[at] - 1.0
    return exponent * _LN_2 + _LOGS[at] + r * (1.0 - r * (0.5 - r * (1.0 / 3.0)))


@njit_inner
def exp_of(x: float) -> float:
    """e to the power of x for x in [`EXP_MIN`, 700]; relative error below 1e-8."""
    pieces = np.int64(np.floor(x / _PIECE))
    r = x - pieces * _PIECE
    scale = np.int64(((pieces >> 5) + 1023) << 52).view(np.float64)
    return scale * _POWERS[pieces & 31] * (1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0))))
