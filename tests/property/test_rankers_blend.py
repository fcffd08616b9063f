"""The compiled first blend does, bit by bit, what a naive reading of its description does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.base import Recommendation
from online_models.registry import build
from tests.support.naive_blend import NaiveBlend
from tests.support.rankers import Row, learn, rows

ALL = 1_000
"""More than the candidates."""


def both_learn(some: list[Row], *, look_every: int = 1) -> int:
    """Compares ranks after every row, and lists after every `look_every`; returns hits."""
    model, naive = build({"model": "first_blend"}), NaiveBlend()
    hits = 0
    for at, row in enumerate(some):
        [rank] = learn(model, [row]).tolist()
        assert rank == naive.learn(row), f"row {at}: {row}"
        hits += rank >= 0
        if at % look_every == 0:
            for user in (row.user, "nobody"):
                expected = [Recommendation(*each) for each in naive.recommend(user)]
                assert model.recommend(user, ALL) == expected, f"row {at}: {row}"
    return hits


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), users=st.integers(1, 6), items=st.sampled_from([2, 5, 30, 100]))
def test_any_stream_gives_the_lists_of_the_description(seed: int, users: int, items: int) -> None:
    both_learn(rows(seed, 120, users=users, items=items))


@pytest.mark.parametrize(("users", "items"), [(2, 60), (1, 90)])
def test_a_stream_that_fills_every_bounded_row_gives_the_lists_of_the_description(
    users: int, items: int
) -> None:
    assert both_learn(rows(1, 2_500, users=users, items=items), look_every=25) > 100


def test_a_track_that_everything_follows_gives_the_lists_of_the_description() -> None:
    others = rows(2, 800, users=2, items=100)
    through_one = [row._replace(item="hub") if at % 2 else row for at, row in enumerate(others)]
    assert both_learn(through_one, look_every=5) > 100
