"""Bounded rows of counts with decay."""

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


def test_old_counts_decay_against_new_ones() -> None:
    [row] = records(row_dtype(WIDTH), 1)
    for item in [1] * 20 + [2] * 20:
        add_to_row(row, item, 1.0, DECAY)
    assert entries(row)[1] / entries(row)[2] == pytest.approx(DECAY**20, rel=1e-4)


def test_a_new_item_replaces_the_lightest_one_whose_weight_stays_in_the_sum() -> None:
    [row] = records(row_dtype(WIDTH), 1)
    for item in [1, 1, 2, 2, 3, 3, 4, 5]:
        add_to_row(row, item, 1.0, 1.0)
    assert entries(row) == {1: 2.0, 2: 2.0, 3: 2.0, 5: 1.0}
    assert mass_of(row) == 8.0


@pytest.mark.parametrize("seed", range(3))
def test_entries_are_sorted_by_weight_after_any_additions(seed: int) -> None:
    chance, [row] = Random(seed), records(row_dtype(WIDTH), 1)
    for _ in range(200):
        add_to_row(row, chance.randrange(7), chance.random(), DECAY)
        weights = list(entries(row).values())
        assert weights == sorted(weights, reverse=True)
        assert len(set(entries(row))) == len(weights)


def test_rescaling_a_grown_unit_keeps_the_shares() -> None:
    [row] = records(row_dtype(WIDTH), 1)
    for item in (1, 2, 2, 3):
        add_to_row(row, item, 1.0, 2.0**-12)
    assert row["unit"] == 2.0**36 / UNIT_MAX
    expected = {3: 1.0, 2: 2.0**-12 + 2.0**-24, 1: 2.0**-36}
    assert entries(row) == pytest.approx(expected)
    assert mass_of(row) == pytest.approx(sum(expected.values()))


def test_a_cleared_row_equals_an_unused_one() -> None:
    rows = records(row_dtype(WIDTH), 1)
    add_to_row(rows[0], 1, 1.0, DECAY)
    clear_row(rows[0])
    assert not any(rows.tobytes())
