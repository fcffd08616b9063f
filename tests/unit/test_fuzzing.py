"""What `make fuzz` fuzzes exists, and takes any bytes."""

import random

import pytest

from tests.fuzzing.__main__ import fuzz_one_of, targets


@pytest.mark.parametrize("target", targets())
def test_a_target_takes_any_bytes(target: str) -> None:
    chance = random.Random(7)
    fuzz_one = fuzz_one_of(target)
    for length in (0, 1, 100, 1_000):
        fuzz_one(chance.randbytes(length))
