"""What follows what: bounded rows whose memory fades."""

import numpy as np
import pytest

from online_models.contexts import BREAK_MS, move, no_contexts
from online_models.transitions import (
    ACROSS_BREAK,
    FADING,
    FOLLOWERS_MAX,
    SCALE_MAX,
    Transitions,
    follow,
    no_transitions,
    teach,
)

TRACK = 7


def shares(transitions: Transitions, track: int = TRACK) -> dict[int, float]:
    """Each follower's share of all that was ever seen after `track`."""
    held = transitions.held[track]
    weights = transitions.weights[track, :held] / transitions.mass[track]
    return dict(zip(transitions.followers[track, :held].tolist(), weights.tolist(), strict=True))


def after_plays(*plays: tuple[int, int]) -> Transitions:
    """What one listener's plays, (track, at_ms), teach."""
    transitions, contexts = no_transitions(10), no_contexts(1)
    for track, at_ms in plays:
        teach(transitions, contexts, 0, track, at_ms, 1.0, 3)
        move(contexts, 0, track, at_ms)
    return transitions


def test_a_first_play_follows_nothing() -> None:
    assert after_plays((1, 0)).held.sum() == 0


def test_nearer_tracks_are_followed_more() -> None:
    transitions = after_plays((1, 0), (2, 1_000), (3, 2_000), (4, 3_000), (5, 4_000))
    gains = [
        transitions.weights[track, list(shares(transitions, track)).index(5)]
        / transitions.scale[track]
        for track in (4, 3, 2)
    ]
    assert gains == pytest.approx([1.0, 1 / 4, 1 / 9])
    assert 5 not in shares(transitions, 1)


def test_a_transition_across_a_break_counts_less_and_reaches_one_track_back() -> None:
    start_ms = 10**12
    transitions = after_plays(
        (1, start_ms), (2, start_ms + 1), (3, start_ms + 2 + BREAK_MS), (4, start_ms + 3 + BREAK_MS)
    )
    assert transitions.weights[2, 0] / transitions.scale[2] == pytest.approx(ACROSS_BREAK)
    assert shares(transitions, 2) == {3: 1.0}
    assert shares(transitions, 1) == {2: 1.0}
    assert shares(transitions, 3) == {4: 1.0}


def test_a_gap_of_exactly_half_an_hour_is_no_break() -> None:
    start_ms = 10**12
    transitions = after_plays((1, start_ms), (2, start_ms + BREAK_MS))
    assert transitions.weights[1, 0] / transitions.scale[1] == 1.0


def test_what_came_long_ago_fades_against_what_comes_now() -> None:
    transitions = no_transitions(10)
    for _ in range(50):
        follow(transitions, TRACK, 1, 1.0, FADING)
    for _ in range(50):
        follow(transitions, TRACK, 2, 1.0, FADING)
    old, new = shares(transitions)[1], shares(transitions)[2]
    assert old / new == pytest.approx(FADING**50)


def test_a_full_row_gives_up_its_lightest_and_remembers_how_much_there_was() -> None:
    transitions = no_transitions(10)
    for follower in range(FOLLOWERS_MAX):
        for _ in range(2 + (follower != 5)):
            follow(transitions, TRACK, follower, 1.0, 1.0)
    follow(transitions, TRACK, 99, 1.0, 1.0)
    assert 5 not in shares(transitions)
    assert shares(transitions)[99] == pytest.approx(1 / (3 * FOLLOWERS_MAX))
    assert transitions.held[TRACK] == FOLLOWERS_MAX


def test_equal_followers_stand_in_the_order_in_which_they_came() -> None:
    transitions = no_transitions(10)
    for follower in (3, 1, 2, 1, 3):
        follow(transitions, TRACK, follower, 1.0, 1.0)
    assert list(shares(transitions)) == [1, 3, 2]


def test_numbers_that_grow_are_brought_back_without_a_change_of_any_share() -> None:
    often, exact = no_transitions(10), {}
    mass = 0.0
    for at in range(3_000):
        follower = at * at % 11
        follow(often, TRACK, follower, 1.0, FADING)
        exact = {each: weight * FADING for each, weight in exact.items()}
        exact[follower] = exact.get(follower, 0.0) + 1.0
        mass = mass * FADING + 1.0
    assert often.scale[TRACK] < SCALE_MAX
    assert shares(often) == pytest.approx({each: w / mass for each, w in exact.items()})
    heaviest_first = often.weights[TRACK, : often.held[TRACK]]
    assert (np.diff(heaviest_first) <= 0).all()
