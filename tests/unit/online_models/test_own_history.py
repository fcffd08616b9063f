"""A listener's own last plays, by event time."""

from math import sqrt
from random import Random

import numpy as np
import pytest

from online_models.candidates import OWN, no_candidates
from online_models.own_history import (
    PLAYS_MAX,
    Plays,
    clear_plays,
    no_plays,
    propose_own,
    remember,
    retract,
)
from online_models.stores import leaves

ANN, BOB = 0, 1


def held(plays: Plays, listener: int = ANN) -> list[tuple[int, int]]:
    """(second, track), oldest first."""
    end = plays.held[listener]
    times, tracks = plays.at_s[listener, :end], plays.tracks[listener, :end]
    return list(zip(times.tolist(), tracks.tolist(), strict=True))


def plays_of(*tracks: int) -> Plays:
    """A second apart, from second 1 on."""
    plays = no_plays(2)
    for at, track in enumerate(tracks):
        remember(plays, ANN, track, (at + 1) * 1_000)
    return plays


def own_scores(plays: Plays, track: int, *weights: float) -> dict[int, float]:
    candidates = no_candidates(100)
    propose_own(candidates, plays, ANN, track, weights)
    found = candidates.held[0]
    scores = candidates.parts[:found, OWN].tolist()
    return dict(zip(candidates.items[:found].tolist(), scores, strict=True))


@pytest.mark.parametrize("seed", range(5))
def test_plays_in_any_order_stand_by_time_and_only_the_newest_stay(seed: int) -> None:
    chance, plays, naive = Random(seed), no_plays(1), []
    for track in range(3 * PLAYS_MAX):
        second = chance.randrange(500)
        remember(plays, ANN, track, second * 1_000 + chance.randrange(1_000))
        naive = sorted([*naive, (second, track)], key=lambda play: play[0])[-PLAYS_MAX:]
        assert held(plays) == naive


def test_a_play_older_than_all_that_is_kept_is_not_kept() -> None:
    plays = plays_of(*range(PLAYS_MAX))
    before = held(plays)
    remember(plays, ANN, 99, 0)
    assert held(plays) == before


def test_the_play_of_that_second_is_taken_back() -> None:
    plays = plays_of(5, 6, 5, 7, 5)
    retract(plays, ANN, 5, 3_999)
    assert held(plays) == [(1, 5), (2, 6), (4, 7), (5, 5)]


def test_without_a_play_of_that_second_the_newest_of_the_track_is_taken_back() -> None:
    plays = plays_of(5, 6, 5, 7)
    retract(plays, ANN, 5, 77_000)
    assert held(plays) == [(1, 5), (2, 6), (4, 7)]


def test_taking_back_what_was_not_played_changes_nothing() -> None:
    plays = plays_of(5, 6)
    retract(plays, ANN, 9, 1_000)
    retract(plays, BOB, 5, 1_000)
    assert held(plays) == [(1, 5), (2, 6)]


def test_what_is_removed_leaves_no_trace_in_the_bytes() -> None:
    plays = plays_of(5, 6)
    retract(plays, ANN, 6, 2_000)
    once = plays_of(5)
    assert all(
        np.array_equal(a, b) for (_, a), (_, b) in zip(leaves(plays), leaves(once), strict=True)
    )
    clear_plays(plays, ANN)
    assert all(not array[ANN].any() for _, array in leaves(plays))


def test_newer_tracks_score_more_for_recency() -> None:
    assert own_scores(plays_of(1, 2, 1, 3), 3, 0.0, 0.0, 1.0) == pytest.approx(
        {3: 1 / sqrt(2), 1: 1 / sqrt(3), 2: 1 / sqrt(4)}
    )


def test_tracks_played_more_often_score_more_for_frequency() -> None:
    scores = own_scores(plays_of(1, 2, 1, 3, 1), 3, 0.0, 1.0, 0.0)
    assert scores == pytest.approx({1: sqrt(3), 2: 1.0, 3: 1.0})


def test_own_successors_score_by_how_recently_they_followed() -> None:
    scores = own_scores(plays_of(1, 2, 1, 3, 1), 1, 1.0, 0.0, 0.0)
    assert scores == pytest.approx({3: 1 / 2, 2: (1 / 2) / (3 / 2), 1: 0.0})
