"""Logarithm and exponential that are the same to the last bit on every machine, and fast.

Tables of exactly rounded values with straight lines between them: the error is below 4e-6, far
below what a learnt weight can tell. libm's last bit varies between machines, so it is not used.
"""

from decimal import Decimal, getcontext

import numpy as np
from numpy.typing import NDArray

from online_models.compiled import njit_inlined

_STEPS = 256
_EXPONENTS = 64


def _logarithms() -> NDArray[np.float64]:
    """ln(1 + i / _STEPS), correctly rounded."""
    return np.array([float((1 + Decimal(at) / _STEPS).ln()) for at in range(_STEPS + 2)])


def _powers() -> NDArray[np.float64]:
    """2 ** (i / _STEPS), correctly rounded."""
    getcontext().prec = 40
    return np.array([float(Decimal(2) ** (Decimal(at) / _STEPS)) for at in range(_STEPS + 2)])


_LN = _logarithms()
_POWER = _powers()
_LN_2 = float(Decimal(2).ln())
_REST = (1 << 44) - 1
_REST_UNIT = 2.0**-44
"""What is left of a mantissa (52 bits) behind the 8 that choose the step."""
_HALVES = 0.5 ** np.arange(_EXPONENTS + 1)


@njit_inlined
def ln(x: float) -> float:
    """The natural logarithm of a normal x > 0."""
    bits = np.float64(x).view(np.int64)
    exponent = (bits >> 52) - 1023
    at = (bits >> 44) & (_STEPS - 1)
    between = (bits & _REST) * _REST_UNIT
    return exponent * _LN_2 + _LN[at] + between * (_LN[at + 1] - _LN[at])


@njit_inlined
def exp_of_negative(x: float) -> float:
    """e to the power of x <= 0; 0 where that is below 2 ** -64."""
    halvings = -x / _LN_2
    whole = int(halvings) + 1
    if whole > _EXPONENTS:
        return 0.0
    place = (whole - halvings) * _STEPS
    at = int(place)
    return (_POWER[at] + (place - at) * (_POWER[at + 1] - _POWER[at])) * _HALVES[whole]
