"""The compiled blend does what a naive reading of its description does, event by event."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.blend.blend_config import PRESETS
from online_models.registry import build
from tests.support.naive_blend import NaiveBlend
from tests.support.rankers import Row, learn, rows

ALL = 1_000
"""More than survive."""
CLOSE = 1e-3
"""Sums of many events differ in the last bits; one candidate at a threshold makes them 1e-5."""


def both_learn(preset: str, some: list[Row], *, look_every: int = 1, **changes: int) -> int:
    """Compares ranks after every row, and lists after every `look_every`; returns hits."""
    model = build({"model": preset, **changes})
    naive = NaiveBlend(replace(PRESETS[preset], **changes))  # type: ignore[arg-type]
    hits = 0
    for at, row in enumerate(some):
        [rank] = learn(model, [row]).tolist()
        assert rank == naive.learn(row), f"row {at}: {row}"
        hits += rank >= 0
        if at % look_every == 0:
            for user in (row.user, "nobody"):
                listed, expected = model.recommend(user, ALL), naive.recommend(user)
                assert [each.item for each in listed] == [item for item, _ in expected]
                scores = [score for _, score in expected]
                assert [each.score for each in listed] == pytest.approx(scores, CLOSE, CLOSE)
    return hits


@pytest.mark.parametrize("preset", PRESETS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), users=st.integers(1, 6), items=st.sampled_from([2, 5, 30, 100]))
def test_any_stream_gives_the_lists_of_the_description(
    preset: str, seed: int, users: int, items: int
) -> None:
    some = rows(seed, 120, users=users, items=items)
    both_learn(preset, some, look_every=3, skipped_s=seed % 3 * 3_600)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("users", "items"), [(2, 60), (1, 200)])
def test_a_stream_that_fills_every_bounded_row_gives_the_lists_of_the_description(
    preset: str, users: int, items: int
) -> None:
    some = rows(1, 1_400, users=users, items=items)
    assert both_learn(preset, some, look_every=50) > 100


def test_a_track_that_everything_follows_gives_the_lists_of_the_description() -> None:
    others = rows(2, 500, users=2, items=150)
    through_one = [row._replace(item="hub") if at % 2 else row for at, row in enumerate(others)]
    assert both_learn("best", through_one, look_every=20) > 100
