import numpy as np
import pytest

from streams.sources.synthetic.music import SimulatedMusic
from streams.sources.synthetic.play_maker import PlayMaker
from streams.sources.synthetic.sessions import DAY_MS, PART_MS

LISTENERS = 200
MAKER = PlayMaker(5, LISTENERS, SimulatedMusic(5))


@pytest.mark.parametrize("day", [0, 6, 100_000])
def test_a_day_is_counted_without_being_made(day: int) -> None:
    assert MAKER.count(day) == len(MAKER.on(day).tracks) > LISTENERS


def test_no_play_reaches_into_the_next_day() -> None:
    for day in range(30):
        plays = MAKER.on(day)
        assert plays.since_ms.min() >= 0
        assert (plays.since_ms + plays.ms_played).max() <= DAY_MS


def test_sessions_begin_at_any_time_of_a_part_of_the_day() -> None:
    since_ms = np.concatenate([MAKER.on(day).since_ms for day in range(10)])
    of_part = np.histogram(since_ms % PART_MS, bins=6, range=(0, PART_MS))[0] / len(since_ms)
    assert of_part.min() > 0.03


def test_weekends_are_busier() -> None:
    days = np.array([[MAKER.count(week * 7 + day) for day in range(7)] for week in range(4)])
    assert days[:, 5:].mean() > 1.1 * days[:, :5].mean()


def test_what_a_listener_dislikes_is_skipped_again_and_again() -> None:
    plays = [MAKER.on(day) for day in range(40)]
    pairs = np.concatenate([one.listeners * 2**40 + one.tracks for one in plays])
    is_skipped = np.concatenate([one.is_skipped for one in plays])
    _, which, counts = np.unique(pairs, return_inverse=True, return_counts=True)
    skips = np.bincount(which, is_skipped)[counts >= 10] / counts[counts >= 10]
    assert 0.02 < (skips > 0.5).mean() < 0.2
    assert ((skips > 0.3) & (skips < 0.6)).mean() < 0.02


def test_a_town_may_be_asleep() -> None:
    alone = PlayMaker(5, 1, SimulatedMusic(5))
    counts = [alone.count(day) for day in range(60)]
    assert 0 in counts
    assert [len(alone.on(day).tracks) for day in range(60)] == counts
