"""Each mix is what its sentence says."""

import numpy as np

from online_models.base import Candidates
from streams.answering.mixes import History, mixed, proposed
from streams.answering.questions import Mix

DAY_S, HOUR_S = 24 * 3600, 3600
NIGHT, MORNING = 1, 2
"""Tracks of a listener who plays each at one time of the day."""


def history(*plays: tuple[int, int, int]) -> History:
    """Plays as (track, day, hour), oldest first."""
    return History(
        np.array([track for track, _, _ in plays], np.int32),
        np.array([day * DAY_S + hour * HOUR_S for _, day, hour in plays], np.int64),
    )


def candidates(*rows: tuple[int, float, bool]) -> Candidates:
    """Candidates as (track, score, whether it is related), best first."""
    items, scores, related = zip(*rows, strict=True)
    return Candidates(
        np.array(items, np.int32),
        np.array(scores, np.float64),
        np.zeros(len(items), np.uint8),
        np.array(related, np.bool_),
    )


def order(mix: Mix, found: Candidates, past: History, utc_offset: int = 0) -> list[int]:
    return found.items[mixed(mix, found, past, utc_offset).places].tolist()


DAILY = history(*[each for day in range(9) for each in ((MORNING, day, 7), (NIGHT, day, 22))])


def test_now_is_the_models_own_order_even_where_scores_say_another() -> None:
    found = candidates((5, 1.0, True), (3, 2.0, False))
    assert order(Mix.NOW, found, DAILY) == [5, 3]
    assert proposed(Mix.NOW, DAILY, 0).tolist() == []


def test_morning_raises_what_is_played_in_the_morning() -> None:
    found = candidates((NIGHT, 2.0, True), (9, 1.0, True), (MORNING, 0.0, True))
    assert order(Mix.MORNING, found, DAILY) == [MORNING, NIGHT, 9]
    assert proposed(Mix.MORNING, DAILY, 0).tolist() == [MORNING]


def test_the_morning_is_that_of_the_listeners_clock() -> None:
    found = candidates((MORNING, 2.0, True), (NIGHT, 1.0, True))
    assert order(Mix.MORNING, found, DAILY, utc_offset=9 * 60) == [NIGHT, MORNING]
    assert proposed(Mix.MORNING, DAILY, 9 * 60).tolist() == [NIGHT]


def test_a_model_that_knows_no_times_knows_no_morning() -> None:
    found = candidates((NIGHT, 2.0, True), (MORNING, 1.0, True))
    past = DAILY._replace(at_s=np.zeros(0, np.int64))
    assert order(Mix.MORNING, found, past) == [NIGHT, MORNING]


def test_rediscover_is_what_was_played_several_times_long_ago() -> None:
    plays = [*[(3, 0, 1)] * 4, *[(4, 1, 1)] * 2, (5, 2, 1), (6, 3, 1)]
    newer = [(6, 4, 1), (7, 5, 1), (7, 6, 1), (8, 7, 1), (8, 8, 1), (9, 9, 1), (9, 9, 2), (9, 9, 3)]
    past = history(*plays, *newer)
    assert proposed(Mix.REDISCOVER, past, 0).tolist() == [3, 4], "more plays first"
    found = candidates(
        (9, 9.0, True), (5, 8.0, True), (6, 7.0, True), (4, 1.0, True), (3, 0.9, True)
    )
    assert order(Mix.REDISCOVER, found, past) == [3, 4]


def test_new_is_what_was_not_played_and_merely_popular_tracks_come_last() -> None:
    found = candidates((NIGHT, 9.0, True), (7, 5.0, False), (8, 1.0, True))
    assert order(Mix.NEW, found, DAILY) == [8, 7]


def test_a_listener_without_plays_has_no_mornings_and_nothing_to_rediscover() -> None:
    found, nobody = candidates((7, 5.0, True), (8, 1.0, True)), history()
    assert order(Mix.MORNING, found, nobody) == [7, 8]
    assert order(Mix.REDISCOVER, found, nobody) == []
    assert order(Mix.NEW, found, nobody) == [7, 8]
