"""An import has no more events waiting than are learnt in a second or two."""

import pytest

from streams.producers.import_window import PATIENCE_S, SILENCE_S, WINDOW_MIN, ImportWindow

PIECE = 500
A_FOLD = 20_000
"""Events that a fold learns in a second."""


def send(window: ImportWindow, events: int, first: int) -> int:
    """Sends events that the broker has at once; returns the offset behind them."""
    window.sent(events)
    for offset in range(first, first + events):
        window.acknowledged(0, offset)
    return first + events


def fill(window: ImportWindow, now_s: float, end: int) -> int:
    """Sends as much as may be sent at a moment; returns the offset behind it."""
    while window.may_send(now_s, PIECE) and window.waiting < 10 * A_FOLD:
        end = send(window, PIECE, end)
    return end


def test_no_more_wait_than_the_least_window_before_anything_is_known_of_the_fold() -> None:
    window = ImportWindow()
    window.heard(0.0, {0: 700})
    assert fill(window, 0.0, 700) == 700 + WINDOW_MIN


def test_what_was_learnt_makes_room() -> None:
    window = ImportWindow()
    window.heard(0.0, {0: 700})
    end = fill(window, 0.0, 700)
    window.heard(1.0, {0: 700 + WINDOW_MIN // 2})
    assert window.waiting == end - 700 - WINDOW_MIN // 2
    assert window.may_send(1.0, PIECE)


def test_the_window_grows_to_what_the_fold_learns_in_a_second_and_a_half() -> None:
    window, end, learnt = ImportWindow(), 0, 0
    window.heard(0.0, {0: 0})
    for second in range(1, 30):
        end = fill(window, second - 0.5, end)
        learnt = min(end, learnt + A_FOLD)
        window.heard(float(second), {0: learnt})
    assert window.size == pytest.approx(1.5 * A_FOLD, rel=0.1)
    assert learnt > 20 * A_FOLD * 0.8


def test_a_slow_fold_has_no_more_than_the_least_window() -> None:
    window, end, learnt = ImportWindow(), 0, 0
    window.heard(0.0, {0: 0})
    for second in range(1, 20):
        end = fill(window, second - 0.5, end)
        learnt = min(end, learnt + 300)
        window.heard(float(second), {0: learnt})
        assert window.waiting <= WINDOW_MIN


def test_plays_of_others_in_between_count_because_they_wait_as_well() -> None:
    window = ImportWindow()
    window.sent(2)
    window.acknowledged(0, 100)
    window.acknowledged(0, 100 + WINDOW_MIN)
    window.heard(0.0, {0: 100})
    assert not window.may_send(0.0, 1)


def test_events_that_the_broker_does_not_have_yet_wait() -> None:
    window = ImportWindow()
    window.heard(0.0, {})
    window.sent(WINDOW_MIN)
    assert not window.may_send(0.0, 1)


def test_a_fold_that_stands_is_waited_for_no_longer_than_ten_seconds() -> None:
    window = ImportWindow()
    window.heard(0.0, {0: 0})
    fill(window, 0.0, 0)
    for second in range(1, int(PATIENCE_S)):
        window.heard(float(second), {0: 0})
        assert not window.may_send(second, PIECE)
    window.heard(PATIENCE_S, {0: 0})
    assert window.may_send(PATIENCE_S, PIECE)


def test_folds_that_say_nothing_are_waited_for_no_longer_than_three_seconds() -> None:
    window = ImportWindow()
    window.heard(0.0, {0: 0})
    fill(window, 0.0, 0)
    assert not window.may_send(SILENCE_S - 0.1, PIECE)
    assert window.may_send(SILENCE_S, PIECE)


def test_without_any_heartbeat_an_import_sends_at_once() -> None:
    window = ImportWindow()
    assert fill(window, 100.0, 0) >= 10 * A_FOLD


def test_a_portion_larger_than_the_window_is_sent_when_nothing_waits() -> None:
    window = ImportWindow()
    window.heard(0.0, {})
    assert window.may_send(0.0, 10 * WINDOW_MIN)
