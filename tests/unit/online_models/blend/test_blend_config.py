"""Configurations of the blend."""

from typing import Any

import pytest

from online_models.blend.blend_config import EXPERTS
from online_models.errors import ModelError
from online_models.registry import build
from tests.support.rankers import a_ranker, learn, rows


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"preset": "worst"}, "There is no preset 'worst'"),
        ({"without": ["magic"]}, "There is no expert 'magic'"),
        ({"grams": 3}, "power of two"),
        ({"ring": 2_000}, "from 0 to 1024"),
        ({"blend_every": -1}, "blend_every is -1"),
        ({"rate": float("nan")}, "rate is nan"),
        ({"deep": 3}, "deep"),
    ],
)
def test_an_invalid_configuration_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ModelError, match=problem):
        build({"model": "blend", **changes})


STORES = {
    "transitions": "transitions",
    "bigrams": "bigrams",
    "trigrams": "trigrams",
    "cooccurrence": "cooccurrence",
    "neighbours": "postings",
    "artists": "artists",
    "leanings": "leanings",
}


@pytest.mark.parametrize("expert", EXPERTS)
def test_an_expert_that_is_left_out_takes_no_memory(expert: str) -> None:
    whole, model = a_ranker("best", rows(1, 200)), a_ranker("best", rows(1, 200), without=[expert])
    assert model.recommend("u1") != whole.recommend("u1")
    if expert in STORES:
        assert len(whole.state()[f"stores/{STORES[expert]}"]) > 0
        assert len(model.state()[f"stores/{STORES[expert]}"]) == 0


def test_a_blend_that_learns_from_every_third_play_still_counts_every_play() -> None:
    often, seldom = a_ranker("fast", rows(1, 300)), a_ranker("fast", rows(1, 300), blend_every=3)
    assert often.digest() != seldom.digest()
    for name in ("transitions", "tracks", "blocks"):
        key = f"stores/{name}"
        assert often.state()[key].tobytes() == seldom.state()[key].tobytes()


def test_events_that_are_not_evaluated_are_learnt_equally_at_any_pace() -> None:
    one, other = build({"model": "fast", "blend_every": 3}), a_ranker("fast", blend_every=3)
    learn(one, rows(2, 200))
    learn(other, rows(2, 200), evaluate=False)
    assert one.digest() == other.digest()
