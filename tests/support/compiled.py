"""Compiled functions that only compiled code calls, for tests to call."""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


def called(inner: Any) -> Callable[..., Any]:
    """A function that calls `inner`; compiled for each kind of arguments."""

    @numba.njit(error_model="numpy")  # type: ignore[misc, unused-ignore]
    def call(*args: Any) -> Any:
        return inner(*args)

    return call  # type: ignore[no-any-return, unused-ignore]


def a_record(dtype: "np.dtype[Any]") -> Any:
    """A record to which nothing has happened."""
    return np.zeros(1, dtype).view(np.recarray)[0]


def records(dtype: "np.dtype[Any]", rows: int) -> NDArray[Any]:
    """Records to which nothing has happened."""
    return np.zeros(rows, dtype)
