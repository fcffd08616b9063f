"""Logarithm and exponential without a C library."""

import math

import numpy as np
import pytest

from online_models.kernels import numerics
from tests.support.compiled import called

log_of, exp_of = called(numerics.log_of), called(numerics.exp_of)


@pytest.mark.parametrize("x", [1e-300, 1e-4, 0.001, 0.5, 1 - 1e-16, 1.0, 1.0001, math.e, 30.0, 1e9])
def test_the_logarithm_is_that_of_the_library_but_for_the_last_digits(x: float) -> None:
    assert log_of(x) == pytest.approx(math.log(x), abs=1e-10)


@pytest.mark.parametrize("x", [0.0, -1e-9, -0.02, -0.5, -1.0, -12.0, -700.0, 3.0])
def test_the_exponential_is_that_of_the_library_but_for_the_last_digits(x: float) -> None:
    assert exp_of(x) == pytest.approx(math.exp(x), rel=1e-7)


def test_compiled_and_plain_give_the_same_bits() -> None:
    for x in np.random.default_rng(1).uniform(1e-4, 60.0, 500).tolist():
        assert log_of(x) == numerics.log_of.py_func(x)  # type: ignore[attr-defined]
        assert exp_of(-x) == numerics.exp_of.py_func(-x)  # type: ignore[attr-defined]


def test_logarithms_of_whole_numbers_are_exact() -> None:
    assert numerics.logs_below(300)[1:].tolist() == [math.log(n) for n in range(1, 300)]
