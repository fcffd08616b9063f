"""The contract of every model: River's own checks, and those of the column interface."""

import pickle
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import checks

from online_models.base import EVALUATED_K, NOT_LISTED, NOT_PROPOSED, Ranker, Signal
from online_models.errors import ModelError
from online_models.registry import MODELS, build
from tests.support.rankers import START_MS, Row, a_ranker, learn, place, rows

MODEL_NAMES = sorted(MODELS)
pytestmark = pytest.mark.parametrize("name", MODEL_NAMES)


def test_river_finds_nothing_wrong(name: str) -> None:
    found = list(checks.yield_checks(build({"model": name})))
    assert found
    for check in found:
        check(build({"model": name}))


def test_a_clone_has_learnt_nothing_and_a_pickle_everything(name: str) -> None:
    model = a_ranker(name, rows(1, 100))
    assert model.clone().digest() == build({"model": name}).digest()
    assert pickle.loads(pickle.dumps(model)).digest() == model.digest()


def test_events_one_by_one_and_in_columns_give_the_same_model(name: str) -> None:
    one_by_one, in_columns = build({"model": name}), build({"model": name})
    some = rows(2, 150)
    for row in some:
        x = {"at": row.at_ms, "signal": row.signal, "group": row.group}
        one_by_one.learn_one(row.user, row.item, row.y, x)
    learn(in_columns, some)
    assert one_by_one.digest() == in_columns.digest()


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(0, 120), max_size=6), seed=st.integers(0, 1_000))
def test_batches_of_any_sizes_give_the_same_ranks_and_the_same_model(
    name: str, cuts: list[int], seed: int
) -> None:
    some = rows(seed, 120)
    whole, cut = build({"model": name}), build({"model": name})
    expected = learn(whole, some)
    bounds = [0, *sorted(cuts), len(some)]
    pieces = [some[start:stop] for start, stop in pairwise(bounds)]
    ranks = np.concatenate([learn(cut, piece) for piece in pieces if piece])
    assert ranks.tolist() == expected.tolist()
    assert cut.digest() == whole.digest()


def test_a_rank_is_the_place_in_the_list_of_the_moment_before(name: str) -> None:
    model = build({"model": name})
    ranks = []
    expected = []
    for row in [row for row in rows(3, 200) if row.signal != Signal.NOW_PLAYING]:
        listed = [each.item for each in model.recommend(row.user, EVALUATED_K)]
        is_listen = row.signal == Signal.LISTEN
        expected.append(listed.index(row.item) if is_listen and row.item in listed else -1)
        ranks += learn(model, [row]).tolist()
    assert ranks == expected
    assert max(ranks) > 0


def test_queries_change_nothing(name: str) -> None:
    model = a_ranker(name, rows(4, 200))
    before = model.digest()
    for user in ("u1", "nobody", None, 7):
        model.recommend(user)
        model.predict_one(user, "i1")
        model.predict_one(user, "nothing")
        model.rank(user, ["i1", "nothing", "i2"])
    assert model.digest() == before


def test_not_evaluating_changes_ranks_and_nothing_else(name: str) -> None:
    evaluated, not_evaluated = build({"model": name}), build({"model": name})
    learn(evaluated, rows(5, 100))
    assert set(learn(not_evaluated, rows(5, 100), evaluate=False).tolist()) == {-1}
    assert not_evaluated.digest() == evaluated.digest()


def test_places_are_the_ranks_and_mark_items_that_were_not_proposed(name: str) -> None:
    learning, evaluated = build({"model": name}), build({"model": name})
    ranks, places = learn(learning, rows(5, 300)), place(evaluated, rows(5, 300))
    assert evaluated.digest() == learning.digest()
    assert np.maximum(places, NOT_LISTED).tolist() == ranks.tolist()
    assert NOT_PROPOSED in places


def test_what_was_not_proposed_was_on_no_list_however_long(name: str) -> None:
    model = build({"model": name})
    for row in [Row(f"u{at % 3}", f"i{at * at % 17}") for at in range(90)]:
        listed = [each.item for each in model.recommend(row.user, 1_000)]
        if row.item in listed:
            assert place(model, [row])[0] != NOT_PROPOSED
        else:
            place(model, [row])


def test_a_frozen_model_follows_the_listener_and_learns_nothing(name: str) -> None:
    model = a_ranker(name, rows(6, 300))
    others = {user: model.recommend(user) for user in ("u2", "nobody")}
    for at in range(30):
        place(model, [Row("u1", f"i{at % 3}", at_ms=START_MS + at)], is_frozen=True)
        place(model, [Row("new", "unheard of", at_ms=START_MS + at)], is_frozen=True)
    assert {user: model.recommend(user) for user in others} == others
    assert "unheard of" not in [each.item for each in model.recommend("u2", 1_000)]


def test_freezing_gives_the_same_in_batches_of_any_sizes(name: str) -> None:
    whole, cut = a_ranker(name, rows(7, 200)), a_ranker(name, rows(7, 200))
    later = rows(8, 100)
    expected = place(whole, later, is_frozen=True).tolist()
    pieces = [later[:1], later[1:64], later[64:]]
    found = [rank for some in pieces for rank in place(cut, some, is_frozen=True).tolist()]
    assert found == expected
    assert max(found) >= 0
    assert cut.digest() == whole.digest()


def test_a_loaded_state_is_equal_and_continues_with_equal_results(name: str) -> None:
    first, later = rows(6, 150)[:100], rows(6, 150)[100:]
    model, loaded = a_ranker(name, first), build({"model": name})
    loaded.load(model.state())
    assert loaded.digest() == model.digest()
    assert loaded.recommend("u1") == model.recommend("u1")
    assert learn(loaded, later).tolist() == learn(model, later).tolist()
    assert loaded.digest() == model.digest()


def test_the_state_of_another_model_is_refused(name: str) -> None:
    model = a_ranker(name, rows(6, 50))
    before = model.digest()
    for other in MODEL_NAMES:
        if other != name:
            with pytest.raises(ModelError, match="belongs to"):
                model.load(a_ranker(other, rows(6, 50)).state())
    assert model.digest() == before


def test_every_event_that_counts_shows_in_the_digest(name: str) -> None:
    model = build({"model": name})
    seen = {model.digest()}
    for row in [row for row in rows(7, 40) if row.signal == Signal.LISTEN]:
        learn(model, [row])
        seen.add(model.digest())
    assert len(seen) > 25


@pytest.mark.parametrize("k", [0, 1, 5, 1_000])
def test_a_list_is_as_long_as_asked_or_as_can_be_and_holds_nothing_twice(name: str, k: int) -> None:
    model = a_ranker(name, rows(8, 200))
    for user in ("u1", "nobody"):
        listed = [each.item for each in model.recommend(user, k)]
        assert len(listed) <= k
        assert len(set(listed)) == len(listed)
        assert listed or k == 0
    scores = [each.score for each in model.recommend("u1", k)]
    assert scores == sorted(scores, reverse=True)


def test_an_empty_model_answers(name: str) -> None:
    model = build({"model": name})
    assert model.recommend("nobody") == []
    assert model.rank("nobody", ["b", "a"]) == ["a", "b"]
    assert model.predict_one("nobody", "nothing") == 0.0
    assert len(learn(model, [])) == 0


@pytest.mark.parametrize(
    ("y", "x"),
    [
        (None, {}),
        (float("nan"), {}),
        (float("inf"), {}),
        ("much", {}),
        (10**400, {}),
        (1.0, {"at": float("nan")}),
        (1.0, {"at": -5}),
        (1.0, {"at": 2**62}),
        (1.0, {"at": "noon"}),
        (1.0, {"signal": 99}),
        (1.0, {"signal": None}),
        (1.0, {"signal": float("nan")}),
        (1.0, {"group": float("nan")}),
    ],
)
def test_nonsense_never_spoils_the_model(name: str, y: Any, x: dict[str, Any]) -> None:
    model = a_ranker(name, rows(9, 50))
    model.learn_one("u1", "i1", y, x)
    learn(model, rows(10, 50))
    scores = [each.score for each in model.recommend("u1")]
    assert scores
    assert np.isfinite(scores).all()


DAY_MS = 24 * 3_600_000
DEGENERATE = {
    "one listener, one track": [Row("u", "i", "a", at_ms=START_MS + at) for at in range(40)],
    "all at one instant": [row._replace(at_ms=START_MS) for row in rows(15, 80)],
    "the first moment of all": [row._replace(at_ms=0) for row in rows(15, 80)],
    "years between plays": [
        Row("u", f"i{at % 3}", "a", at_ms=at * 5 * 365 * DAY_MS) for at in range(20)
    ],
    "each play of another listener": [Row(f"u{at}", "i") for at in range(80)],
    "each play of another track": [Row("u", f"i{at}", f"a{at}") for at in range(80)],
}


@pytest.mark.parametrize("stream", DEGENERATE.values(), ids=DEGENERATE)
def test_a_degenerate_stream_is_learnt_and_answered(name: str, stream: list[Row]) -> None:
    model = a_ranker(name, stream)
    before = model.digest()
    for user in (stream[-1].user, "nobody"):
        listed = model.recommend(user, 100)
        assert listed
        assert np.isfinite([each.score for each in listed]).all()
    assert model.digest() == before


def test_a_catalogue_before_the_plays_does_no_harm(name: str) -> None:
    model = build({"model": name})
    codes = model.items.encode_many([f"new-{at}" for at in range(3)])
    model.introduce(codes, model.groups.encode_many(["a"] * 3))
    model.introduce(codes[:0], codes[:0])
    learn(model, rows(16, 60))
    assert model.recommend("u1", 5)
    groups = model.groups_of(codes).tolist()
    assert groups in ([model.groups.code("a")] * 3, [-1] * 3)
    assert set(model.plays_of(model.users.code("u1")).tolist()) <= set(range(len(model.items)))


def test_candidates_after_given_plays_are_tracks_and_asking_for_them_changes_nothing(
    name: str,
) -> None:
    model = a_ranker(name, rows(17, 150))
    tracks, before = len(model.items), model.digest()
    nothing = np.zeros(0, np.int32)
    odd = np.array([-1, 0, tracks, 2**30, 1], np.int32)
    many = np.arange(3_000, dtype=np.int32) % tracks
    for user in (-1, 0, 2, 2**30):
        for plays, also in ((nothing, nothing), (odd, odd), (many, many[:tracks])):
            found = model.candidates_after(user, plays, also)
            codes = found.items.tolist()
            assert len({*codes}) == len(codes) == len(found.scores) == len(found.reasons)
            assert {*codes} <= {*range(tracks)}
            if user < 0:  # others may hate some
                assert {*also[(also >= 0) & (also < tracks)].tolist()} <= {*codes}
            assert np.isfinite(found.scores).all()
            assert {*found.reasons.tolist()} <= {*range(len(model.reasons))}
    assert model.digest() == before


def test_without_given_plays_the_best_candidates_are_the_list(name: str) -> None:
    model = a_ranker(name, rows(18, 150))
    nothing = np.zeros(0, np.int32)
    for user in (-1, 0, 2):
        [listed], [scores], _ = model.recommend_many(np.array([user], np.int32), 10)
        found = model.candidates_after(user, nothing, nothing)
        held = int((listed >= 0).sum())
        assert found.items[:held].tolist() == listed[:held].tolist()
        assert found.scores[:held].tolist() == scores[:held].tolist()


def test_a_model_that_keeps_plays_keeps_their_times_if_any(name: str) -> None:
    model = a_ranker(name, rows(19, 150))
    user = model.users.code("u1")
    assert len(model.times_of(user)) == len(model.plays_of(user))
    assert (np.diff(model.times_of(user)) >= 0).all()
    for group in range(-1, len(model.groups) + 1):
        codes = model.items_of(group)
        assert (model.groups_of(codes) == group).all()


@pytest.mark.parametrize("odd", ["", "\x00", "ü" * 600, 2**70, -1, (1, "a"), b"\xff", 1.5, None])
def test_any_hashable_is_an_id(name: str, odd: Any) -> None:
    model = build({"model": name})
    for _ in range(3):
        model.learn_one(odd, odd)
        model.learn_one(odd, "other")
    assert odd in [each.item for each in model.recommend(odd)]


def test_time_that_runs_backwards_is_late_and_harmless(name: str) -> None:
    model = a_ranker(name, [Row("u", f"i{at}", at_ms=START_MS - at * 60_000) for at in range(60)])
    assert model.recommend("u")


def test_equal_scores_are_listed_in_the_order_of_first_appearance(name: str) -> None:
    model = build({"model": name})
    assert model.rank("u", ["c", "a", "b"]) == ["a", "b", "c"]
    learn(model, [Row(f"u{at}", item) for at, item in enumerate(("z", "y"))])
    first = model.rank("nobody", ["y", "z"])
    assert first == model.rank("nobody", ["z", "y"])


def test_an_erased_listener_is_unknown_and_the_others_continue(name: str) -> None:
    model = a_ranker(name, rows(11, 300))
    before = model.recommend("u2")
    model.forget(model.users.code("u1"))
    unknown = [each.item for each in model.recommend("nobody", 1_000)]
    assert [each.item for each in model.recommend("u1", 1_000)] == unknown
    assert [each.item for each in model.recommend("u2")] == [each.item for each in before]


def test_an_erased_listener_who_returns_is_a_new_one(name: str) -> None:
    model = a_ranker(name, rows(11, 300))
    code = model.users.code("u1")
    model.forget(code)
    model.users.forget("u1")
    assert model.recommend("u1") == model.recommend("nobody")
    learn(model, rows(12, 50))
    assert model.users.code("u1") not in (-1, code)
    with pytest.raises(LookupError):
        model.users.value(code)


def test_erasing_an_unknown_listener_changes_nothing(name: str) -> None:
    model = a_ranker(name, rows(11, 50))
    before = model.digest()
    model.forget(-1)
    model.forget(10_000)
    assert model.digest() == before


def test_a_model_that_grows_on_the_way_is_the_one_that_had_room_from_the_start(name: str) -> None:
    many = rows(13, 2_500, users=2_000, items=2_000)
    at_once, on_the_way = build({"model": name}), build({"model": name})
    learn(at_once, many, evaluate=False)
    for start in range(0, len(many), 250):
        learn(on_the_way, many[start : start + 250], evaluate=False)
    assert len(at_once.users) > 1_024
    assert on_the_way.digest() == at_once.digest()


def test_a_wrong_parameter_is_an_error(name: str) -> None:
    with pytest.raises(ModelError, match="depth"):
        build({"model": name, "depth": 3})


def test_the_configuration_is_part_of_the_digest_of_a_ranker(name: str) -> None:
    others = {build({"model": other}).digest() for other in MODEL_NAMES if other != name}
    assert build({"model": name}).digest() not in others


def test_a_ranker_says_what_it_is(name: str) -> None:
    model: Ranker = build({"model": name})
    assert model.model_name == name
    assert model.fold_version >= 1
    assert model.reasons
