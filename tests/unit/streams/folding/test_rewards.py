"""What is learnt from what happened."""

import math
from typing import Any

import numpy as np
import pytest

from online_models.base import Signal
from streams.folding.rewards import SKIP_REASONS, rewards_of, signals_of
from tests.support.learning_log import a_batch, an_event
from topics.listening_event import KIND_CODES, EventKind

LONG_MS, SHORT_MS = 20 * 60_000, 40_000


def reward_of(**changes: Any) -> float:
    return float(rewards_of(a_batch(an_event(**changes)))[0])


@pytest.mark.parametrize(
    ("ms_played", "duration_ms", "reward"),
    [
        (None, None, 1.0),
        (None, 240_000, 1.0),
        (120_000, 240_000, 1.0),
        (240_000, 240_000, 1.0),
        (60_000, 240_000, 0.5),
        (0, 240_000, 0.0),
        (240_000, LONG_MS, 1.0),
        (60_000, LONG_MS, 0.25),
        (20_000, SHORT_MS, 1.0),
        (30_000, None, 1.0),
        (15_000, None, 0.5),
        (15_000, 0, 0.5),
    ],
)
def test_a_play_counts_by_how_much_of_it_was_heard(
    ms_played: int | None, duration_ms: int | None, reward: float
) -> None:
    assert reward_of(ms_played=ms_played, duration_ms=duration_ms) == pytest.approx(reward)


@pytest.mark.parametrize("reason", sorted(SKIP_REASONS))
def test_a_play_skipped_within_half_a_minute_counts_against_the_track(reason: str) -> None:
    assert reward_of(ms_played=29_999, duration_ms=240_000, reason_end=reason) == -1


def test_who_skips_after_half_a_minute_has_listened() -> None:
    assert reward_of(ms_played=30_000, duration_ms=240_000, reason_end="fwdbtn") == 0.25


def test_a_short_play_that_simply_ended_is_no_judgement_against_the_track() -> None:
    assert reward_of(ms_played=20_000, duration_ms=40_000, reason_end="trackdone") == 1.0


def test_a_skip_of_unknown_length_counts_in_full_like_every_play_of_unknown_length() -> None:
    assert reward_of(reason_end="fwdbtn") == 1


def test_a_word_for_skipping_in_another_column_is_no_skip() -> None:
    play = an_event(ms_played=5_000, track_name="skip", reason_end="trackdone")
    assert rewards_of(a_batch(play))[0] > 0


@pytest.mark.parametrize(("kind", "reward"), [("LOVE", 1), ("HATE", -1)])
def test_feedback_counts_whatever_was_heard(kind: str, reward: float) -> None:
    assert reward_of(kind=kind, ms_played=0) == reward


@pytest.mark.parametrize("kind", ["NOW_PLAYING", "CLEAR", "RETRACT", "DISMISS", "SKIP"])
def test_what_is_no_judgement_has_no_reward(kind: str) -> None:
    assert math.isnan(reward_of(kind=kind, ms_played=100_000))


def test_every_row_has_the_reward_that_it_has_alone() -> None:
    events = [
        an_event(kind="LOVE"),
        an_event(ms_played=1_000, reason_end="fwdbtn"),
        an_event(kind="CLEAR"),
        an_event(ms_played=15_000),
    ]
    alone = np.concatenate([rewards_of(a_batch(event)) for event in events])
    np.testing.assert_array_equal(rewards_of(a_batch(*events)), alone)


def test_a_batch_without_rows_has_no_rewards() -> None:
    assert len(rewards_of(a_batch(to_offset=3))) == 0


def test_every_signal_is_the_kind_of_its_name_and_erase_has_none() -> None:
    kinds = np.array([KIND_CODES[signal.name] for signal in Signal], np.uint8)
    assert signals_of(kinds).tolist() == [*Signal]
    unlearnt = np.array([KIND_CODES[EventKind.ERASE], KIND_CODES[EventKind.UNKNOWN]], np.uint8)
    assert signals_of(unlearnt).tolist() == [255, 255]


def test_a_keep_is_learnt_as_the_play_that_it_names() -> None:
    plays = [
        an_event(ms_played=60_000, duration_ms=240_000, kind=kind) for kind in ("LISTEN", "KEEP")
    ]
    assert rewards_of(a_batch(*plays)).tolist() == [0.5, 0.5]
    assert signals_of(a_batch(*plays).columns["kinds"]).tolist() == [Signal.LISTEN] * 2
