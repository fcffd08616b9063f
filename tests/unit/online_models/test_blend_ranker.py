"""How the blend behaves."""

import pickle

import pytest

from online_models.base import Signal
from online_models.blend_config import EXPERTS
from tests.support.rankers import MINUTE_MS, START_MS, Row, a_ranker, learn, rows

PRESETS = ["best", "fast"]


def in_turn(who: str, items: str, *, start_ms: int = START_MS, artists: str = "") -> list[Row]:
    """A play every three minutes."""
    return [
        Row(who, item, artists[at] if artists else None, at_ms=start_ms + 3 * at * MINUTE_MS)
        for at, item in enumerate(items)
    ]


@pytest.mark.parametrize("name", PRESETS)
def test_a_new_track_of_an_artist_reaches_those_who_listen_to_that_artist(name: str) -> None:
    taught = in_turn("ann", "xyz" * 4, artists="aab" * 4)
    news = [Row("bob", "new", "a", at_ms=START_MS)]
    model = a_ranker(name, [*taught, *news, Row("cid", "x", "a", at_ms=START_MS + MINUTE_MS)])
    [new] = [each for each in model.recommend("cid") if each.item == "new"]
    assert new.reason == "artist"


@pytest.mark.parametrize("name", PRESETS)
def test_what_the_blend_learns_moves_the_lists(name: str) -> None:
    habits = in_turn("ann", "abcd" * 30)
    moved, fixed = a_ranker(name, habits), a_ranker(name, habits, blend_every=0)
    assert moved.recommend("ann", 1)[0].item == fixed.recommend("ann", 1)[0].item == "a"
    apart = [scores[0].score - scores[1].score for scores in map(_two, (moved, fixed))]
    assert apart[0] > apart[1]


def _two(model: object) -> list[object]:
    return model.recommend("ann", 2)  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("name", PRESETS)
def test_a_retracted_play_is_no_habit_any_more(name: str) -> None:
    only = {"without": [expert for expert in EXPERTS if expert != "own"]}
    model = a_ranker(name, in_turn("ann", "ab"), **only)
    assert [each.reason for each in model.recommend("ann")] == ["own", "own"]
    for at, item in enumerate("ab"):
        at_ms = START_MS + 3 * at * MINUTE_MS
        learn(model, [Row("ann", item, at_ms=at_ms, signal=Signal.RETRACT)])
    assert [each.reason for each in model.recommend("ann")] == ["popular", "popular"]


@pytest.mark.parametrize("name", PRESETS)
def test_erasure_leaves_no_byte_in_any_record_of_the_listener(name: str) -> None:
    model = a_ranker(name, rows(3, 400, users=3))
    code = model.users.code("u1")
    model.forget(code)
    state = model.state()
    for store in ("contexts", "rings", "hated", "moods", "leanings"):
        assert not state[f"stores/{store}"][code].any(), store


def test_a_pickle_is_as_small_as_what_is_known() -> None:
    assert len(pickle.dumps(a_ranker("fast", rows(1, 50)))) < 2_000_000


def test_tracks_that_are_in_no_list_of_an_expert_can_be_asked_for() -> None:
    model = a_ranker("best", rows(5, 800, users=3, items=300))
    many = [f"i{at}" for at in range(300)]
    listed = [each.item for each in model.recommend("u1", 100)]
    ranked = [item for item in model.rank("u1", many) if item in listed]
    assert ranked == listed
    assert all(
        model.predict_one("u1", each.item) == each.score for each in model.recommend("u1", 5)
    )
