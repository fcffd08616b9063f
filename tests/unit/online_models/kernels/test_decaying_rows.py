"""Bounded rows whose memory fades."""

from random import Random
from typing import Any

import pytest

from online_models.kernels import decaying_rows as module
from online_models.kernels.decaying_rows import UNIT_MAX, row_dtype
from tests.support.compiled import called, records

WIDTH, DECAY = 4, 0.95
add_to_row, clear_row, mass_of = map(called, (module.add_to_row, module.clear_row, module.mass_of))


def entries(row: Any) -> dict[int, float]:
    """Weights in additions of 1, heaviest first."""
    held = row["held"]
    weights = (row["weights"][:held] / row["unit"]).tolist()
    return dict(zip(row["items"][:held].tolist(), weights, strict=True))


def test_what_came_long_ago_fades_against_what_comes_now() -> None:
    [row] = records(row_dtype(WIDTH), 1)
    for item in [1] * 20 + [2] * 20:
        add_to_row(row, item, 1.0, DECAY)
    assert entries(row)[1] / entries(row)[2] == pytest.approx(DECAY**20, rel=1e-4)


def test_a_newcomer_takes_the_place_of_the_lightest_whose_mass_stays() -> None:
    [row] = records(row_dtype(WIDTH), 1)
    for item in [1, 1, 2, 2, 3, 3, 4, 5]:
        add_to_row(row, item, 1.0, 1.0)
    assert entries(row) == {1: 2.0, 2: 2.0, 3: 2.0, 5: 1.0}
    assert mass_of(row) == 8.0


@pytest.mark.parametrize("seed", range(3))
def test_the_heaviest_stand_first_whatever_comes(seed: int) -> None:
    chance, [row] = Random(seed), records(row_dtype(WIDTH), 1)
    for _ in range(200):
        add_to_row(row, chance.randrange(7), chance.random(), DECAY)
        weights = list(entries(row).values())
        assert weights == sorted(weights, reverse=True)
        assert len(set(entries(row))) == len(weights)


def test_units_that_grow_are_brought_back_without_a_change_of_shares() -> None:
    [row] = records(row_dtype(WIDTH), 1)
    for item in (1, 2, 2, 3):
        add_to_row(row, item, 1.0, 2.0**-12)
    assert row["unit"] == 2.0**36 / UNIT_MAX
    expected = {3: 1.0, 2: 2.0**-12 + 2.0**-24, 1: 2.0**-36}
    assert entries(row) == pytest.approx(expected)
    assert mass_of(row) == pytest.approx(sum(expected.values()))


def test_a_cleared_row_is_as_new() -> None:
    rows = records(row_dtype(WIDTH), 1)
    add_to_row(rows[0], 1, 1.0, DECAY)
    clear_row(rows[0])
    assert not any(rows.tobytes())
