"""The progress of a replay follows from what its recommenders say."""

from typing import Any

from streams.lifecycle.replaying import RATE_WINDOW_S, ReplayWatch


def a_status(as_of: int, learnt: int = 0, skimmed: int = 0, **more: Any) -> dict[str, Any]:
    counts = {"applied": learnt, "skimmed": skimmed, "batches": 99}
    return {"as_of": as_of, "counts": counts, **more}


def test_speed_and_time_to_go_are_those_of_the_last_seconds() -> None:
    watch = ReplayWatch("trial", target=400)
    first = watch.note(0.0, [a_status(99, 1_000)])
    assert (first.events_per_s, first.eta_s) == (None, None)
    found = watch.note(2.0, [a_status(199, 2_000, 500)])
    assert (found.events, found.events_per_s, found.eta_s) == (2_500, 750.0, 4.0)
    later = watch.note(2.0 + RATE_WINDOW_S, [a_status(199, 2_000, 500)])
    assert (later.events_per_s, later.eta_s) == (0.0, None)


def test_of_several_recommenders_the_slowest_counts() -> None:
    watch = ReplayWatch("trial", target=10)
    found = watch.note(0.0, [a_status(10, 50), a_status(4, 20, pace={"throttled": True})])
    assert (found.as_of, found.events, found.throttled) == (4, 20, True)
    assert not found.is_done
    assert watch.note(1.0, [a_status(10, 50), a_status(10, 50)]).is_done


def test_a_recommender_that_is_not_heard_is_not_done() -> None:
    watch = ReplayWatch("trial", target=-1)
    assert not watch.note(0.0, [{}]).heard
    assert not watch.note(1.0, [{}]).is_done
    assert watch.note(2.0, [a_status(-1)]).is_done, "of an empty log"


def test_a_restart_from_a_snapshot_is_no_negative_speed() -> None:
    watch = ReplayWatch("trial", target=100)
    watch.note(0.0, [a_status(80, 800)])
    assert watch.note(1.0, [a_status(40, 400)]).events_per_s is None
    assert watch.note(2.0, [a_status(50, 500)]).events_per_s == 100.0
