"""A fading row is a leaky counter of items, of which only the heaviest are held."""

import random

import pytest

from online_models.experts.fading_rows import GRAIN_MAX, FadingRows, add, clear_row, no_rows


def contents(rows: FadingRows, row: int = 0) -> dict[int, float]:
    held = int(rows.held[row])
    weights = (rows.weights[row, :held] / rows.grain[row]).tolist()
    return dict(zip(rows.items[row, :held].tolist(), weights, strict=True))


def test_a_row_with_room_is_a_leaky_counter() -> None:
    chance = random.Random(1)
    rows, naive = no_rows(1, 16), dict.fromkeys(range(16), 0.0)
    for _ in range(500):
        item, value = chance.randrange(16), chance.random()
        naive = {each: weight * 0.9 for each, weight in naive.items()}
        naive[item] += value
        add(rows, 0, item, value, 0.9)
        assert contents(rows) == pytest.approx({k: v for k, v in naive.items() if v}, rel=1e-4)
    assert rows.mass[0] / rows.grain[0] == pytest.approx(sum(naive.values()), rel=1e-4)


def test_entries_stand_by_weight_and_the_lightest_gives_way() -> None:
    rows = no_rows(1, 3)
    for item, value in [(1, 3.0), (2, 5.0), (3, 1.0), (4, 2.0)]:
        add(rows, 0, item, value, 1.0)
    assert rows.items[0].tolist() == [2, 1, 4]
    assert rows.mass[0] == 11.0


def test_a_row_that_fades_for_long_stays_finite_and_in_order() -> None:
    rows = no_rows(1, 4)
    for at in range(5_000):
        add(rows, 0, at % 3, 1.0, 0.9)
    assert rows.grain[0] <= GRAIN_MAX
    weights = list(contents(rows).values())
    assert weights == sorted(weights, reverse=True)
    assert sum(weights) == pytest.approx(10.0, rel=1e-3)


def test_a_cleared_row_is_as_it_was_at_first() -> None:
    rows, fresh = no_rows(2, 3), no_rows(2, 3)
    for item in range(5):
        add(rows, 1, item, 1.0, 0.5)
    clear_row(rows, 1)
    assert all((a == b).all() for a, b in zip(rows, fresh, strict=True))
