"""Lets tests call compiled functions that only compiled code can call."""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


def called(inner: Any) -> Callable[..., Any]:
    """A function that calls `inner`. It is compiled for each combination of argument types."""

    @numba.njit(error_model="numpy")  # type: ignore[misc, unused-ignore]
    def call(*args: Any) -> Any:
        return inner(*args)

    return call  # type: ignore[no-any-return, unused-ignore]


def a_record(dtype: "np.dtype[Any]") -> Any:
    """A record in its initial state."""
    return np.zeros(1, dtype).view(np.recarray)[0]


def records(dtype: "np.dtype[Any]", rows: int) -> NDArray[Any]:
    """Records in their initial state."""
    return np.zeros(rows, dtype)
