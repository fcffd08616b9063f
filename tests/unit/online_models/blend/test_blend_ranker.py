"""How the blend behaves."""

import pickle
from typing import Any

import numpy as np
import pytest

from online_models import column_ranker
from online_models.base import Columns, Ranker, Signal
from online_models.blend.blend_config import EXPERTS
from online_models.errors import ModelError
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
def test_weight_updates_change_the_lists(name: str) -> None:
    habits = in_turn("ann", "abcd" * 30)
    moved, fixed = a_ranker(name, habits), a_ranker(name, habits, blend_every=0)
    assert moved.recommend("ann", 1)[0].item == fixed.recommend("ann", 1)[0].item == "a"
    apart = [scores[0].score - scores[1].score for scores in map(_two, (moved, fixed))]
    assert apart[0] > apart[1]


def _two(model: object) -> list[object]:
    return model.recommend("ann", 2)  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("name", PRESETS)
def test_a_retracted_play_is_no_longer_a_habit(name: str) -> None:
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
    for store in ("contexts", "rings", "hated", "loved", "dismissed", "moods", "leanings"):
        assert not state[f"stores/{store}"][code].any(), store


def test_a_pickle_contains_only_rows_in_use() -> None:
    assert len(pickle.dumps(a_ranker("fast", rows(1, 50)))) < 2_000_000


def test_tracks_that_no_expert_proposes_can_be_scored() -> None:
    model = a_ranker("best", rows(5, 800, users=3, items=300))
    many = [f"i{at}" for at in range(300)]
    listed = [each.item for each in model.recommend("u1", 100)]
    ranked = [item for item in model.rank("u1", many) if item in listed]
    assert ranked == listed
    assert all(
        model.predict_one("u1", each.item) == each.score for each in model.recommend("u1", 5)
    )


@pytest.mark.parametrize("name", PRESETS)
def test_a_track_without_plays_is_proposed_to_listeners_of_its_artist(name: str) -> None:
    model = a_ranker(name, in_turn("ann", "ab", artists="xy"))
    unheard = model.items.encode_many(["unheard"]), model.groups.encode_many(["y"])
    model.introduce(*unheard)
    [new] = [each for each in model.recommend("ann") if each.item == "unheard"]
    assert new.reason == "artist"
    stated = Row("bob", "stated", "y", at_ms=START_MS, signal=Signal.NOW_PLAYING)
    learn(model, [stated])
    assert "stated" in [each.item for each in model.recommend("ann")]


@pytest.mark.parametrize("name", PRESETS)
def test_after_a_retracted_play_the_list_continues_from_the_play_before(name: str) -> None:
    habits = in_turn("bob", "abcxyz" * 5)
    start_ms = START_MS + 1_000 * MINUTE_MS
    model = a_ranker(name, [*habits, *in_turn("ann", "ax", start_ms=start_ms)])
    assert model.recommend("ann", 1)[0].item != "b"
    taken_back = Row("ann", "x", at_ms=start_ms + 3 * MINUTE_MS, signal=Signal.RETRACT)
    learn(model, [taken_back])
    assert model.recommend("ann", 1)[0].item == "b"


@pytest.mark.parametrize("name", PRESETS)
def test_a_skipped_play_does_not_recommend_the_track_to_others(name: str) -> None:
    heard, skipped = (
        a_ranker(
            name, [row._replace(y=1.0 if row.item == "a" else y) for row in in_turn("ann", "ab")]
        )
        for y in (1.0, -1.0)
    )
    after_a = [Row("bob", "a", at_ms=START_MS)]
    listed = []
    for model in (heard, skipped):
        learn(model, after_a)
        listed.append([each.item for each in model.recommend("bob")])
    assert "b" in listed[0]
    assert "b" not in listed[1]


@pytest.mark.parametrize("name", PRESETS)
def test_a_play_counts_by_how_much_of_it_was_heard(name: str) -> None:
    start_ms = START_MS
    plays = []
    for _ in range(3):
        plays += in_turn("ann", "ab", start_ms=start_ms)
        plays += [
            row._replace(y=0.3) for row in in_turn("ann", "ac", start_ms=start_ms + 6 * MINUTE_MS)
        ]
        start_ms += 1_000 * MINUTE_MS
    model = a_ranker(name, [*plays, Row("bob", "a", at_ms=start_ms)])
    order = [each.item for each in model.recommend("bob")]
    assert order.index("b") < order.index("c")


@pytest.mark.parametrize("name", PRESETS)
def test_habits_of_a_thousand_plays_ago_are_remembered(name: str) -> None:
    ring = a_ranker(name).config.ring  # type: ignore[attr-defined]
    others = [f"i{at}" for at in range(ring - 4)]
    minute = iter(range(10_000))
    items = ["a", "b", *others, "a"]
    plays = [Row("ann", item, at_ms=START_MS + next(minute) * MINUTE_MS) for item in items]
    only = {"without": [expert for expert in EXPERTS if expert != "own"]}
    [first, *_] = a_ranker(name, plays, **only).recommend("ann", 1)
    assert (first.item, first.reason) == ("b", "own")


def columns(model: Ranker, *some: Row) -> Columns:
    """Plays as `Columns`, in codes of `model`."""
    users = np.array([model.users.encode(each.user) for each in some], np.int32)
    items = np.array([model.items.encode(each.item) for each in some], np.int32)
    unknown, ones = np.full(len(some), -1, np.int32), np.ones(len(some), np.float32)
    at_ms = np.array([each.at_ms for each in some], np.int64)
    return Columns(users, items, unknown, ones, at_ms, np.zeros(len(some), np.uint8))


def test_columns_of_different_lengths_are_an_error_and_change_nothing() -> None:
    model = a_ranker("fast", in_turn("ann", "abc"))
    before = model.digest()
    events = columns(model, *in_turn("ann", "ab"))
    with pytest.raises(ModelError, match="1, 2, 2, 2, 2, 2 rows"):
        model.learn_many(events._replace(users=events.users[:1]))
    assert model.digest() == before


def test_a_model_that_cannot_allocate_memory_is_unchanged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = a_ranker("fast", in_turn("ann", "abc"))
    before, event = model.digest(), columns(model, *in_turn("ann", "a"))

    def full(*_: object) -> Any:
        raise MemoryError

    monkeypatch.setattr(column_ranker, "grown", full)
    with pytest.raises(MemoryError):
        model.learn_many(event._replace(users=np.array([2**30], np.int32)))
    monkeypatch.undo()
    assert model.digest() == before
    model.learn_many(event)
    assert model.digest() != before
