"""The transition expert."""

from typing import Any

import pytest

from online_models.blend.experts import transitions
from online_models.blend.experts.transitions import ACROSS_BREAK, FOLLOWERS
from online_models.blend.listener import session_contexts
from online_models.blend.listener.session_contexts import BREAK_MS, CONTEXT
from tests.support.compiled import called, records

START_MS = 10**12
learn, advance = called(transitions.learn_transitions), called(session_contexts.advance)


def after_plays(*plays: tuple[int, int], steps: int = 3) -> dict[int, dict[int, float]]:
    """By track: its followers and their weights, from one listener's plays, (track, at_ms)."""
    rows, [context] = records(FOLLOWERS, 10), records(CONTEXT, 1)
    for track, at_ms in plays:
        learn(rows, context, track, at_ms, 1.0, steps)
        advance(context, track, at_ms)
    return {track: followers(rows[track]) for track in range(10)}


def followers(row: Any) -> dict[int, float]:
    weights = (row["weights"][: row["held"]] / max(row["unit"], 1e-9)).tolist()
    return dict(zip(row["items"].tolist(), weights, strict=False))


def test_a_first_play_follows_nothing() -> None:
    assert not any(after_plays((1, START_MS)).values())


def test_nearer_tracks_are_followed_more() -> None:
    after = after_plays(*[(track, START_MS + track) for track in (1, 2, 3, 4, 5)])
    assert [after[track][5] for track in (4, 3, 2)] == pytest.approx([1.0, 1 / 4, 1 / 9])
    assert 5 not in after[1]


def test_transitions_reach_back_by_the_configured_number_of_steps() -> None:
    after = after_plays(*[(track, START_MS + track) for track in (1, 2, 3)], steps=1)
    assert (after[2], after[1]) == ({3: 1.0}, {2: 1.0})


def test_a_transition_across_a_break_counts_less_and_reaches_one_track_back() -> None:
    late_ms = START_MS + 2 + BREAK_MS
    after = after_plays((1, START_MS), (2, START_MS + 1), (3, late_ms), (4, late_ms + 1))
    assert after[2] == pytest.approx({3: ACROSS_BREAK})
    assert (after[1], after[3]) == ({2: 1.0}, {4: 1.0})


def test_a_gap_of_exactly_half_an_hour_is_no_break() -> None:
    assert after_plays((1, START_MS), (2, START_MS + BREAK_MS))[1] == {2: 1.0}
