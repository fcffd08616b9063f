"""Tracks that a listener never wants to see again."""

from typing import Any

from online_models import hated as module
from online_models.base import Signal
from online_models.hated import HATED, HATED_MAX
from tests.support.compiled import called, records
from tests.support.rankers import START_MS, Row, a_ranker, learn

ANN, BOB = 0, 1
clear_hated, forgive, hate = map(called, (module.clear_hated, module.forgive, module.hate))


def hated_by(hated: Any) -> list[int]:
    return hated["tracks"][: hated["held"]].tolist()


def test_only_the_tracks_hated_last_are_kept() -> None:
    hated = records(HATED, 2)
    for track in range(HATED_MAX + 2):
        hate(hated[ANN], track)
    assert hated_by(hated[ANN]) == list(range(2, HATED_MAX + 2))
    assert hated_by(hated[BOB]) == []


def test_hating_again_makes_it_the_last_hated() -> None:
    hated = records(HATED, 1)
    for track in (1, 2, 1):
        hate(hated[ANN], track)
    assert hated_by(hated[ANN]) == [2, 1]


def test_a_forgiven_track_and_a_cleared_listener_leave_no_bytes() -> None:
    hated = records(HATED, 2)
    hate(hated[ANN], 7)
    hate(hated[BOB], 8)
    forgive(hated[ANN], 7)
    forgive(hated[ANN], 9)
    clear_hated(hated[BOB])
    assert not any(hated.tobytes())


def test_a_hated_track_is_gone_for_that_listener_until_they_love_or_clear_it() -> None:
    plays = [Row(who, "so what", at_ms=START_MS) for who in ("ann", "bob")]
    for undo in (Signal.LOVE, Signal.CLEAR):
        model = a_ranker("fast", [*plays, Row("ann", "so what", signal=Signal.HATE)])
        assert model.recommend("ann") == []
        assert model.recommend("bob")[0].item == "so what"
        learn(model, [Row("ann", "so what", signal=undo)])
        assert model.recommend("ann")[0].item == "so what"
