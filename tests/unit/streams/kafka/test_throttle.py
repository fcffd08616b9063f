"""A fold far behind gives way while live lists become stale, and goes faster while they do not."""

import pytest

from streams.kafka.throttle import (
    CAUGHT_UP_RECORDS,
    FAR_BEHIND_RECORDS,
    RATE_FIRST,
    RATE_MIN,
    SPAN_S,
    SPANS,
    LiveFreshness,
    Throttle,
)

FAR = FAR_BEHIND_RECORDS + 1


def a_throttle(behind: int = FAR, limit: float | None = None) -> Throttle:
    throttle = Throttle(0.0)
    throttle.behind, throttle.limit = behind, limit
    return throttle


def busy(throttle: Throttle, seconds: int, p99_ms: float | None, begin: int = 0) -> float:
    """Folds as fast as it may for so long; returns the rate after that."""
    for second in range(begin + 1, begin + seconds + 1):
        throttle.folded(float(second), int(2 * throttle.allowed))
        throttle.wait_s(float(second))
        throttle.note_live(float(second), p99_ms)
    return throttle.rate


def test_folded_events_are_waited_for_at_the_rate() -> None:
    throttle = a_throttle()
    assert throttle.wait_s(0.0) == 0
    throttle.folded(0.0, int(RATE_FIRST))
    assert throttle.wait_s(0.0) == pytest.approx(1.0)
    assert throttle.wait_s(0.75) == pytest.approx(0.25)
    assert throttle.wait_s(2.0) == 0
    throttle.folded(2.0, int(RATE_FIRST))
    assert throttle.wait_s(2.0) == pytest.approx(1.0), "idle time is not saved up"


@pytest.mark.parametrize(
    ("behind", "limit", "waits"),
    [
        (FAR, None, True),
        (FAR_BEHIND_RECORDS, None, False),
        (FAR_BEHIND_RECORDS, 100.0, True),
        (CAUGHT_UP_RECORDS + 1, 100.0, True),
        (CAUGHT_UP_RECORDS, 100.0, False),
    ],
)
def test_who_has_about_caught_up_waits_for_nothing(
    behind: int, limit: float | None, waits: bool
) -> None:
    throttle = a_throttle(behind, limit)
    throttle.folded(0.0, 1_000)
    assert (throttle.wait_s(0.0) > 0) is throttle.is_active is waits


def test_the_rate_rises_by_a_tenth_a_second_while_live_lists_are_fresh() -> None:
    assert busy(a_throttle(), 10, 20.0) == pytest.approx(RATE_FIRST * 1.1**10)
    assert busy(a_throttle(), 10, None) == pytest.approx(RATE_FIRST * 1.1**10)


def test_a_rate_that_nobody_waits_for_stays_so_that_a_halving_counts() -> None:
    throttle = a_throttle()
    for second in range(1, 60):
        throttle.folded(float(second), 10)
        throttle.wait_s(second + 0.5)
        throttle.note_live(second + 0.5, 20.0)
    assert throttle.rate == RATE_FIRST


def test_the_rate_is_halved_once_a_second_while_live_lists_are_stale() -> None:
    throttle = a_throttle()
    before = busy(throttle, 10, 40.0)
    throttle.note_live(11.0, 61.0)
    assert throttle.rate == before / 2
    throttle.note_live(11.5, 61.0)
    assert throttle.rate == before / 2
    throttle.note_live(12.0, 61.0)
    assert throttle.rate == before / 4


def test_the_rate_never_falls_so_low_that_a_replay_never_ends() -> None:
    throttle = a_throttle()
    busy(throttle, 30, 40.0)
    for second in range(31, 60):
        throttle.note_live(float(second), 1e6)
    assert throttle.rate >= RATE_MIN


def test_stale_is_what_is_far_from_the_best_of_the_last_ten_minutes() -> None:
    live = LiveFreshness()
    assert not live.is_stale(0.0, 1_000.0), "nothing is known of the time before"
    assert not any(live.is_stale(float(second), 40.0) for second in range(1, 30))
    assert not live.is_stale(30.0, 60.0)
    assert live.is_stale(31.0, 60.1)
    assert not live.is_stale(40.0 + SPAN_S * SPANS, 1_000.0), "all that was seen is older"


def test_harm_that_comes_slowly_is_not_taken_for_the_way_it_always_was() -> None:
    live = LiveFreshness()
    rising = [live.is_stale(float(second), 40.0 * 1.01**second) for second in range(100)]
    assert not any(rising[:40])
    assert all(rising[47:])


def test_one_fresh_moment_is_not_what_all_later_ones_are_measured_by() -> None:
    live = LiveFreshness()
    samples = [5.0 if second % 7 == 3 else 80.0 for second in range(100)]
    assert not any(live.is_stale(float(at), each) for at, each in enumerate(samples))


def test_a_very_fresh_list_may_become_less_so() -> None:
    live = LiveFreshness()
    live.is_stale(0.0, 5.0)
    assert not live.is_stale(1.0, 50.0)
    assert live.is_stale(2.0, 51.0)


def test_the_first_events_are_folded_at_once_and_no_others() -> None:
    throttle = Throttle(0.0, credit=10_000)
    throttle.behind = FAR
    throttle.folded(1.0, 9_999)
    assert throttle.has_credit
    assert throttle.wait_s(100.0) == 0
    throttle.folded(100.0, 1 + int(RATE_FIRST))
    assert not throttle.has_credit
    assert throttle.wait_s(100.0) == pytest.approx(1.0)
    assert throttle.wait_s(200.0) == 0
    throttle.folded(200.0, int(RATE_FIRST))
    assert throttle.wait_s(200.0) == pytest.approx(1.0), "it is given once"


def test_a_limit_holds_from_the_first_event_on() -> None:
    throttle = Throttle(0.0, credit=10_000)
    throttle.behind, throttle.limit = FAR, 500.0
    assert not throttle.has_credit
    throttle.wait_s(0.0)
    throttle.folded(0.0, 1_000)
    assert throttle.wait_s(0.0) == pytest.approx(2.0)


def test_a_limit_takes_the_place_of_the_rate() -> None:
    throttle = a_throttle(limit=500.0)
    throttle.folded(0.0, 1_000)
    assert throttle.wait_s(0.0) == pytest.approx(2.0)
    throttle.limit = 1_000.0  # changed while it waits
    assert throttle.wait_s(0.0) == pytest.approx(1.0)
    throttle.limit = None
    assert throttle.wait_s(0.0) == pytest.approx(1_000 / RATE_FIRST)
