"""Top-k selection."""

from random import Random

import numpy as np
import pytest

from online_models.kernels import top_k
from tests.support.compiled import called

nth_best = called(top_k.nth_best)


@pytest.mark.parametrize("seed", range(20))
def test_the_nth_best_is_the_nth_of_all_sorted_by_value_then_code(seed: int) -> None:
    chance = Random(seed)
    held = chance.randrange(1, 90)
    values = np.array([float(chance.randrange(6)) for _ in range(100)])
    codes = np.array(chance.sample(range(1_000), 100), np.int32)
    expected = sorted(range(held), key=lambda at: (-values[at], codes[at]))
    for n in range(held):
        assert nth_best(values, codes, held, n, np.zeros(100, np.int32)) == expected[n]
