"""Tracks that a listener loves, and those that they never want to see again."""

from typing import Any

import pytest

from online_models.base import Signal
from online_models.blend.listener import explicit_feedback as module
from online_models.blend.listener.explicit_feedback import MARKED, MARKED_MAX
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

    def mark(self, *tracks: int, who: int = ANN) -> None:
        for track in tracks:
            mark(self.marked[who], self.blocks, self.given[0], track)

    def unmark(self, *tracks: int) -> None:
        for track in tracks:
            unmark(self.marked[ANN], self.blocks, self.given[0], track)

    def clear(self, who: int = ANN) -> None:
        clear_marked(self.marked[who], self.blocks, self.given[0])

    def of(self, who: int = ANN) -> list[int]:
        tracks = records("i4", MARKED_MAX)  # type: ignore[arg-type]
        held = read_marks(self.marked[who], self.blocks, tracks)
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
