"""Comparison of models on the same events."""

from itertools import pairwise

import numpy as np
import pytest

from online_models.base import Columns, Ranker
from online_models.evaluation.contest import Contest, Contestant
from online_models.registry import build
from tests.support.rankers import START_MS, Row, columns_of, learn, rows


def a_contest(*names: str, **freeze: int) -> Contest:
    return Contest({name: build({"model": name}) for name in names}, **freeze)


def take(contest: Contest, some: list[Row]) -> list[int]:
    return contest.take(columns_of(contest.contestants[0].ranker, some)).tolist()


def alone(name: str, some: list[Row]) -> Ranker:
    ranker = build({"model": name})
    learn(ranker, some)
    return ranker


def test_each_model_is_as_if_it_had_been_alone() -> None:
    some = rows(1, 400)
    contest = a_contest("fast", "popularity", "last_transition")
    take(contest, some)
    for each in contest.contestants:
        assert each.ranker.digest() == alone(each.name, some).digest()


def test_the_comparison_does_not_depend_on_batches() -> None:
    some = rows(2, 2_300)
    whole, cut = a_contest("fast", "popularity"), a_contest("fast", "popularity")
    expected = take(whole, some)
    found: list[int] = []
    for start, stop in pairwise([0, 1, 999, 1_000, 1_700, 2_300]):
        found += take(cut, some[start:stop])
    assert found == expected
    whole.finish()
    cut.finish()
    for one, other in zip(whole.contestants, cut.contestants, strict=True):
        assert one.ranker.digest() == other.ranker.digest()
        assert one.places.tolist() == other.places.tolist()
        assert (one.coverage, one.lists) == (other.coverage, other.lists)


def test_only_listens_have_places() -> None:
    some = rows(3, 300)
    contest = a_contest("fast")
    take(contest, some)
    listens = [row for row in some if row.signal == 0]
    users, items, at_ms = contest.met()
    assert len(contest.contestants[0].places) == len(users) == len(listens) < 300
    assert at_ms.tolist() == [row.at_ms for row in listens]
    assert [contest.contestants[0].ranker.items.value(item) for item in items] == [
        row.item for row in listens
    ]


@pytest.mark.parametrize("freeze", [{"frozen_from_row": 70}, {"frozen_after_ms": START_MS + 69}])
@pytest.mark.parametrize("cut", [0, 10, 70, 71, 100])
def test_a_frozen_comparison_continues_without_learning(freeze: dict[str, int], cut: int) -> None:
    some = [Row(f"u{at % 5}", f"i{at % 7}", at_ms=START_MS + at) for at in range(100)]
    contest = a_contest("fast", "popularity", **freeze)
    take(contest, some[:cut])
    take(contest, some[cut:])
    assert contest.frozen_at == 70
    popular = alone("popularity", some[:70])
    assert contest.contestants[1].ranker.recommend("nobody") == popular.recommend("nobody")
    assert len(contest.contestants[0].places) == 100


def test_a_time_that_is_never_reached_freezes_no_model() -> None:
    contest = a_contest("popularity", frozen_from_row=100)
    take(contest, rows(4, 100))
    assert contest.frozen_at is None


def test_coverage_is_the_share_of_tracks_that_were_in_lists() -> None:
    contestant = Contestant("popularity", alone("popularity", rows(5, 300, items=200)))
    contestant.list_for(np.zeros(3, np.int32))
    assert contestant.lists == 3
    assert contestant.coverage == 20 / len(contestant.ranker.items)


def test_an_empty_batch_has_no_places() -> None:
    contest = a_contest("fast")
    none: list[np.ndarray] = [np.zeros(0, kind) for kind in ("i4", "i4", "i4", "f4", "i8", "u1")]
    assert len(contest.take(Columns(*none))) == 0
    contest.finish()
    assert [len(column) for column in contest.met()] == [0, 0, 0]
