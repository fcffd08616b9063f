"""Hit rate and reciprocal rank, counted in whole numbers."""

from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pytest

from online_models.base import Signal
from online_models.evaluation.prequential import Prequential

Events = list[tuple[int, int, int]]


def events_of(seed: int, rows: int) -> Events:
    """(user, rank, signal) by chance."""
    chance = Random(seed)
    return [
        (
            chance.randrange(-1, 6),
            chance.choice([-1, chance.randrange(20)]),
            chance.choice([0, 0, 0, 1, 2]),
        )
        for _ in range(rows)
    ]


def count(quality: Prequential, rows: Events) -> Prequential:
    users, ranks, signals = np.array(rows, np.int32).reshape(-1, 3).T
    quality.update(users, ranks, signals.astype(np.uint8))
    return quality


def naive(rows: Events, k: int, min_history: int) -> dict[str, float]:
    plays: dict[int, int] = {}
    scored: list[int] = []
    for user, rank, signal in rows:
        if user >= 0 and signal == Signal.LISTEN:
            plays[user] = plays.get(user, 0) + 1
            if plays[user] > min_history:
                scored.append(rank)
    places = [rank + 1 for rank in scored if 0 <= rank < k]
    return {
        "events": sum(plays.values()),
        "scored": len(scored),
        "hits": len(places),
        f"hr@{k}": len(places) / max(len(scored), 1),
        f"mrr@{k}": sum(1 / place for place in places) / max(len(scored), 1),
    }


@pytest.mark.parametrize("k", [1, 5, 20])
@pytest.mark.parametrize("min_history", [0, 5])
def test_figures_are_those_of_a_naive_count(k: int, min_history: int) -> None:
    rows = events_of(1, 500)
    summary = count(Prequential(k, min_history), rows).summary()
    assert summary == pytest.approx(naive(rows, k, min_history))
    assert summary["hits"] > 0


def test_batches_of_any_sizes_give_the_same_bytes() -> None:
    rows = events_of(2, 300)
    whole, cut = count(Prequential(), rows), Prequential()
    for start, stop in pairwise([0, 0, 1, 2, 50, 299, 300]):
        count(cut, rows[start:stop])
    assert cut.digest() == whole.digest()
    assert cut.summary() == whole.summary()


def test_a_loaded_state_continues_with_equal_results() -> None:
    quality, loaded = count(Prequential(), events_of(3, 100)), Prequential()
    loaded.load(quality.state())
    assert loaded.digest() == quality.digest()
    for each in (quality, loaded):
        count(each, [(5_000, 0, 0)] * 7 + events_of(4, 100))
    assert loaded.digest() == quality.digest()


@pytest.mark.parametrize("changes", [{"k": 10}, {"min_history": 4}])
def test_what_is_counted_is_part_of_the_digest(changes: dict[str, Any]) -> None:
    assert Prequential(**changes).digest() != Prequential().digest()


def test_nothing_counted_is_zero_and_not_an_error() -> None:
    assert count(Prequential(), []).summary() == {
        "events": 0,
        "scored": 0,
        "hits": 0,
        "hr@20": 0.0,
        "mrr@20": 0.0,
    }


@pytest.mark.parametrize("k", [0, 21])
def test_a_k_beyond_the_evaluated_ranks_is_an_error(k: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 20"):
        Prequential(k)
