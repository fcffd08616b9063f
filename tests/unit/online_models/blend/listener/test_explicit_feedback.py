"""Tracks that a listener loves, does not want for now, and never wants to see again."""

from typing import Any

import pytest

from online_models.base import Signal
from online_models.blend.listener import explicit_feedback as module
from online_models.blend.listener.explicit_feedback import DISMISSED_S, MARKED, MARKED_MAX
from online_models.blend.listener.play_rings import BLOCK, BLOCK_PLAYS, BLOCK_POOL
from tests.support.compiled import called, records
from tests.support.rankers import MINUTE_MS, START_MS, Row, a_ranker, learn

ANN, BOB = 0, 1
clear_marked, mark, read_marks, unmark = map(
    called, (module.clear_marked, module.mark, module.read_marks, module.unmark)
)


class Marks:
    """Marks of two listeners and the blocks that they share."""

    def __init__(self) -> None:
        self.marked, self.blocks = records(MARKED, 2), records(BLOCK, 600)
        self.given = records(BLOCK_POOL, 1)

    def mark(self, *tracks: int, who: int = ANN, at_s: int = 1) -> None:
        for track in tracks:
            mark(self.marked[who], self.blocks, self.given[0], track, at_s)

    def unmark(self, *tracks: int) -> None:
        for track in tracks:
            unmark(self.marked[ANN], self.blocks, self.given[0], track)

    def clear(self, who: int = ANN) -> None:
        clear_marked(self.marked[who], self.blocks, self.given[0])

    def of(self, who: int = ANN, since_s: int = 0) -> list[int]:
        tracks = records("i4", MARKED_MAX)  # type: ignore[arg-type]
        held = read_marks(self.marked[who], self.blocks, tracks, since_s)
        return tracks[:held].tolist()


def test_marks_are_kept_in_the_order_in_which_they_were_made() -> None:
    marks = Marks()
    marks.mark(*range(40))
    marks.mark(7, who=BOB)
    marks.mark(3)
    assert marks.of() == [*range(3), *range(4, 40), 3]
    assert marks.of(BOB) == [7]


def test_only_the_last_of_very_many_marks_are_kept() -> None:
    marks = Marks()
    marks.mark(*range(MARKED_MAX + 2))
    assert marks.of() == list(range(2, MARKED_MAX + 2))


def test_removed_marks_leave_no_bytes() -> None:
    marks = Marks()
    marks.mark(*range(1, 40))
    marks.unmark(99, *range(1, 40))
    assert not any(marks.marked.tobytes())
    assert not marks.blocks["tracks"].any()
    assert not marks.blocks["at_s"].any()


def test_marks_keep_their_times_when_others_go() -> None:
    marks = Marks()
    for track in range(40):
        marks.mark(track, at_s=1_000 + track)
    marks.unmark(3, 20, 39)
    assert marks.of(since_s=1_018) == [18, 19, *range(21, 39)]
    marks.mark(5, at_s=2_000)
    assert marks.of(since_s=1_038) == [38, 5]


def test_cleared_marks_leave_their_blocks_to_others() -> None:
    marks = Marks()
    marks.mark(*range(1, 2 * BLOCK_PLAYS))
    marks.clear()
    assert not any(marks.marked.tobytes())
    assert not marks.blocks["tracks"].any()
    marks.mark(*range(2 * BLOCK_PLAYS), who=BOB)
    assert marks.given["blocks"] == [2]


def test_a_hated_track_is_in_no_list_of_that_listener_until_they_love_or_clear_it() -> None:
    plays = [Row(who, "so what", at_ms=START_MS) for who in ("ann", "bob")]
    for undo in (Signal.LOVE, Signal.CLEAR):
        model = a_ranker("fast", [*plays, Row("ann", "so what", signal=Signal.HATE)])
        assert model.recommend("ann") == []
        assert model.recommend("bob")[0].item == "so what"
        learn(model, [Row("ann", "so what", signal=undo)])
        assert model.recommend("ann")[0].item == "so what"


@pytest.mark.parametrize("name", ["best", "fast"])
def test_hated_tracks_never_return_after_many_other_marks_and_plays(name: str) -> None:
    hated = [Row("ann", f"i{at}", signal=Signal.HATE) for at in range(60)]
    minutes = iter(range(200))
    played = [
        Row(who, f"i{at}", at_ms=START_MS + next(minutes) * MINUTE_MS)
        for who in ("ann", "bob")
        for at in range(62)
    ]
    listed = a_ranker(name, [*hated, *played]).recommend("ann", 100)
    assert {each.item for each in listed} == {"i60", "i61"}


@pytest.mark.parametrize("name", ["best", "fast"])
def test_a_track_is_listed_as_soon_as_it_is_loved(name: str) -> None:
    others: Any = [Row("bob", f"i{at // 3}", at_ms=START_MS + at) for at in range(600)]
    rare = Row("cid", "rare", at_ms=START_MS)
    ann = Row("ann", "i5", at_ms=START_MS + 700)
    model = a_ranker(name, [rare, *others, ann])
    assert "rare" not in [each.item for each in model.recommend("ann")]
    learn(model, [Row("ann", "rare", at_ms=START_MS + 800, signal=Signal.LOVE)])
    assert "rare" in [each.item for each in model.recommend("ann")]
    assert "rare" not in [each.item for each in model.recommend("bob")]


WEEK_MS = 1000 * int(DISMISSED_S)


def a_dismissing_model(name: str = "best", *feedback: Row) -> Any:
    """Ann and bob have played two tracks; ann says what is given, of one of them."""
    plays = [
        Row(who, item, at_ms=START_MS + at * MINUTE_MS)
        for who in ("ann", "bob")
        for at, item in enumerate(["so what", "all blues"])
    ]
    return a_ranker(name, [*plays, *feedback])


def said(signal: Signal, item: str = "so what", *, at_ms: int = START_MS + 5 * MINUTE_MS) -> Row:
    return Row("ann", item, at_ms=at_ms, signal=signal)


def listed(model: Any, who: str = "ann") -> set[str]:
    return {each.item for each in model.recommend(who)}


@pytest.mark.parametrize("name", ["best", "fast", "popularity"])
def test_a_dismissed_track_is_in_no_list_of_that_listener_for_a_week_of_theirs(name: str) -> None:
    model = a_dismissing_model(name, said(Signal.DISMISS))
    before_ms = said(Signal.DISMISS).at_ms
    assert "so what" not in listed(model)
    assert "so what" in listed(model, "bob")
    learn(model, [Row("ann", "all blues", at_ms=before_ms + WEEK_MS - 1000)])
    assert "so what" not in listed(model)
    learn(model, [Row("bob", "all blues", at_ms=before_ms + 2 * WEEK_MS)])
    assert "so what" not in listed(model), "the time of others is not ann's"
    learn(model, [Row("ann", "all blues", at_ms=before_ms + WEEK_MS)])
    assert "so what" in listed(model)


@pytest.mark.parametrize("undo", [Signal.CLEAR, Signal.LOVE])
def test_what_is_said_later_of_a_dismissed_track_ends_the_dismissal(undo: Signal) -> None:
    model = a_dismissing_model("best", said(Signal.DISMISS), said(undo))
    assert "so what" in listed(model)
    learn(model, [said(Signal.DISMISS)])
    assert "so what" not in listed(model)


def test_a_dismissal_says_nothing_about_love_and_hate() -> None:
    for first in (Signal.LOVE, Signal.HATE):
        model = a_dismissing_model("best", said(first), said(Signal.DISMISS))
        loved, hated = (
            model.state()[f"stores/{name}"].view(MARKED)["held"].ravel().tolist()
            for name in ("loved", "hated")
        )
        assert loved == [int(first is Signal.LOVE), 0]
        assert hated == [int(first is Signal.HATE), 0]
        assert "so what" not in listed(model)


def test_a_dismissal_teaches_nothing_that_listeners_share() -> None:
    model, without = a_dismissing_model("best", said(Signal.DISMISS)), a_dismissing_model("best")
    ours, theirs = model.state(), without.state()
    for store in ("tracks", "transitions", "cooccurrence", "artists", "learned", "rings"):
        assert (ours[f"stores/{store}"] == theirs[f"stores/{store}"]).all(), store


HOUR_MS = 60 * MINUTE_MS


def after_a_skip(skipped_s: int, *said_of_it: Row) -> Any:
    plays = [Row("ann", item, at_ms=START_MS) for item in ("so what", "all blues")]
    return a_ranker("best", [*plays, *said_of_it, said(Signal.SKIP)], skipped_s=skipped_s)


def test_weak_evidence_of_a_skip_keeps_a_track_away_for_as_long_as_the_model_says() -> None:
    skipped_ms = said(Signal.SKIP).at_ms
    assert "so what" in listed(after_a_skip(0)), "off unless it is asked for"
    model = after_a_skip(6 * 3600)
    assert "so what" not in listed(model)
    learn(model, [Row("ann", "all blues", at_ms=skipped_ms + 6 * HOUR_MS - 1000)])
    assert "so what" not in listed(model)
    learn(model, [Row("ann", "all blues", at_ms=skipped_ms + 6 * HOUR_MS)])
    assert "so what" in listed(model)


def test_weak_evidence_of_a_skip_ends_no_dismissal() -> None:
    model = after_a_skip(6 * 3600, said(Signal.DISMISS, at_ms=START_MS + MINUTE_MS))
    learn(model, [Row("ann", "all blues", at_ms=START_MS + 7 * HOUR_MS)])
    assert "so what" not in listed(model)


def test_weak_evidence_of_a_skip_teaches_nothing_that_listeners_share() -> None:
    ours, theirs = after_a_skip(6 * 3600).state(), after_a_skip(0).state()
    for store in ("tracks", "transitions", "cooccurrence", "artists", "learned", "rings"):
        assert (ours[f"stores/{store}"] == theirs[f"stores/{store}"]).all(), store


def test_an_erased_listener_has_no_dismissals() -> None:
    model, fresh = a_dismissing_model("best", said(Signal.DISMISS)), a_dismissing_model("best")
    for each in (model, fresh):
        each.forget(each.users.code("ann"))
    assert not any(model.state()["stores/dismissed"].tobytes())
    assert listed(model) == listed(fresh)
