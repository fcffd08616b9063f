"""Logarithm and exponential: close to the real ones, and made of exact steps."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.arithmetic import exp_of_negative, ln


@settings(deadline=None)
@given(st.floats(1e-30, 1e30))
def test_the_logarithm_is_right_to_a_few_millionths(x: float) -> None:
    assert ln(x) == pytest.approx(math.log(x), abs=4e-6, rel=1e-12)


@pytest.mark.parametrize("power", range(-40, 41, 8))
def test_the_logarithm_of_a_power_of_two_is_exact(power: int) -> None:
    assert ln(2.0**power) == power * math.log(2.0)


@settings(deadline=None)
@given(st.floats(-40.0, 0.0))
def test_the_exponential_is_right_to_a_few_millionths(x: float) -> None:
    assert exp_of_negative(x) == pytest.approx(math.exp(x), rel=4e-6)


def test_the_exponential_of_nothing_is_one_and_of_very_little_nothing() -> None:
    assert exp_of_negative(0.0) == 1.0
    assert exp_of_negative(-1e9) == 0.0
