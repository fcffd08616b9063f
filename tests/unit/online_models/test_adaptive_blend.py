"""What the blend does for listeners, and what its configuration changes."""

import numpy as np
import pytest

from online_models.adaptive_blend import WITHOUT
from online_models.base import Ranker, Signal
from online_models.blend.candidates import nth_largest
from online_models.errors import ModelError
from online_models.registry import build
from tests.support.rankers import MINUTE_MS, START_MS, Row, learn, rows

ALBUM = [f"track {at}" for at in range(6)]


def a_fast(**params: object) -> Ranker:
    return build({"model": "fast", **params})


def plays(user: str, items: list[str], *, group: str | None = None, minute: int = 0) -> list[Row]:
    return [
        Row(user, item, group, at_ms=START_MS + (minute + 4 * at) * MINUTE_MS)
        for at, item in enumerate(items)
    ]


def listed(model: Ranker, user: str, k: int = 3) -> list[object]:
    return [each.item for each in model.recommend(user, k)]


def reason(model: Ranker, user: str, item: str) -> str:
    return next(each.reason for each in model.recommend(user, 50) if each.item == item)


def test_what_follows_for_others_is_what_comes_next_for_a_new_listener() -> None:
    model = a_fast()
    for at in range(20):
        learn(model, plays(f"u{at}", ALBUM, minute=at))
    learn(model, plays("new", ALBUM[:2]))
    assert listed(model, "new")[0] == ALBUM[2]
    assert reason(model, "new", ALBUM[2]) in ("transition", "sequence", "together")


def test_a_new_listener_gets_what_is_popular_and_a_new_tracks_artist_brings_it_in() -> None:
    model = a_fast()
    for at in range(30):
        learn(model, plays(f"u{at}", ["hit"], group="star", minute=at))
    learn(model, plays("u0", ["debut"], group="star", minute=90_000))
    assert listed(model, "nobody", 1) == ["hit"]
    learn(model, plays("fan", ["hit"], group="star", minute=180_000))
    assert "debut" in listed(model, "fan", 5)


def test_an_artist_who_follows_another_brings_their_tracks() -> None:
    model = a_fast()
    for at in range(20):
        pair = [Row(f"u{at}", f"a{at}", "A", at_ms=START_MS + at * 60 * MINUTE_MS)]
        pair += [Row(f"u{at}", f"b{at % 3}", "B", at_ms=pair[0].at_ms + MINUTE_MS)]
        learn(model, pair)
    learn(model, [Row("new", "a-new", "A", at_ms=START_MS + 5_000 * MINUTE_MS)])
    assert {"b0", "b1", "b2"} & set(listed(model, "new", 20))


def test_a_hated_track_is_gone_until_it_is_forgiven() -> None:
    model = a_fast()
    for at in range(10):
        learn(model, plays("ann", ALBUM, minute=at * 60))
    assert ALBUM[3] in listed(model, "ann", 20)
    learn(model, [Row("ann", ALBUM[3], signal=Signal.HATE)])
    assert ALBUM[3] not in listed(model, "ann", 20)
    learn(model, [Row("ann", ALBUM[3], signal=Signal.LOVE)])
    assert ALBUM[3] in listed(model, "ann", 20)


def test_what_plays_now_is_what_comes_next_follows() -> None:
    model = a_fast()
    for at in range(20):
        learn(model, plays(f"u{at}", ALBUM, minute=at))
    learn(model, plays("new", ["elsewhere"]))
    now = Row("new", ALBUM[3], at_ms=START_MS + 9 * MINUTE_MS, signal=Signal.NOW_PLAYING)
    learn(model, [now])
    assert listed(model, "new", 1) == [ALBUM[4]]


def test_a_skip_teaches_nobody_to_play_it_next() -> None:
    model = a_fast()
    for at in range(10):
        heard, skipped = plays(f"u{at}", ["a", "b"], minute=at)
        learn(model, [heard, skipped._replace(y=-1.0)])
    learn(model, plays("new", ["a"], minute=99))
    assert "b" not in listed(model, "new", 50)


def test_late_plays_teach_what_follows_and_leave_the_context_alone() -> None:
    model = a_fast()
    learn(model, plays("live", ["now"], minute=100_000))
    before = listed(model, "live", 1)
    for at in range(10):
        learn(model, plays("live", ALBUM, minute=at * 100))
    assert model.recommend("live", 1)[0].item in (before[0], *ALBUM)
    learn(model, plays("other", [ALBUM[0]]))
    assert ALBUM[1] in listed(model, "other", 3)


def first_places(model: Ranker) -> int:
    return int((learn(model, rows(21, 6_000, users=20, items=200)) == 0).sum())


def test_the_weights_learn_more_from_every_play_than_from_every_tenth() -> None:
    assert first_places(a_fast()) > first_places(a_fast(blend_every=10))


@pytest.mark.parametrize("expert", WITHOUT)
def test_an_expert_that_is_left_out_is_never_the_reason(expert: str) -> None:
    model = a_fast(without=[expert])
    some = rows(22, 800)
    learn(model, some)
    reasons = {each.reason for user in range(8) for each in model.recommend(f"u{user}", 50)}
    assert reasons
    assert expert not in reasons
    assert model.digest() != build({"model": "fast"}).digest()


@pytest.mark.parametrize("wrong", [{"without": ["luck"]}, {"blend_every": 0}])
def test_a_configuration_that_means_nothing_is_said(wrong: dict[str, object]) -> None:
    with pytest.raises(ModelError, match=r"luck|blend_every"):
        a_fast(**wrong)


@pytest.mark.parametrize("n", [1, 2, 37, 200])
def test_the_nth_largest_is_what_sorting_finds(n: int) -> None:
    values = np.random.default_rng(n).integers(0, 50, 200).astype(np.float32)
    assert nth_largest(values.copy(), n) == np.sort(values)[::-1][n - 1]
