"""F21, F2: ten thousand simulated histories, and every named crash point ten times each."""

import pytest

from tests.simulation.trying import broken, deaths_at
from tests.support.crash_points import POINTS

FIRST, SEEDS, PIECE = 1_000, 10_000, 1_000
"""First seed; `make test` runs the seeds before it."""
TIMES = 10


@pytest.mark.fault
@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", range(FIRST, FIRST + SEEDS, PIECE))
def test_no_seed_breaks_a_promise_and_all_come_to_rest(first: int) -> None:
    assert broken(first, PIECE) == {}


@pytest.mark.fault
@pytest.mark.parametrize("point", POINTS)
def test_who_dies_between_two_effects_loses_nothing(point: str) -> None:
    assert deaths_at(point, TIMES) == TIMES
