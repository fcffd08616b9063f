"""A falling hit rate raises an alarm, and nothing else does."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from online_models.evaluation import drift_watch
from online_models.evaluation.drift_watch import DriftWatch

Hits = NDArray[np.bool_]


def by_chance(*rates: tuple[int, float], seed: int = 1) -> Hits:
    """Hits of (plays, hit rate) in turn."""
    each = np.repeat([rate for _, rate in rates], [plays for plays, _ in rates])
    return np.random.default_rng(seed).random(len(each)) < each


def watched(hits: Hits, *cuts: int) -> DriftWatch:
    watch, at = DriftWatch(), np.arange(len(hits), dtype=np.int64)
    for start, stop in pairwise([0, *cuts, len(hits)]):
        watch.update(hits[start:stop], at[start:stop])
    return watch


def same(one: DriftWatch, other: DriftWatch) -> bool:
    state, its = one.state(), other.state()
    return all(state[name].tobytes() == its[name].tobytes() for name in state)


def test_a_fall_raises_one_alarm_soon() -> None:
    watch = watched(by_chance((50_000, 0.45), (20_000, 0.30)))
    (alarm,) = watch.alarms
    assert 50_000 < alarm.at < 52_000
    assert alarm.scored == alarm.at + 1
    assert alarm.before == pytest.approx(0.45, abs=0.02)
    assert alarm.after == pytest.approx(0.30, abs=0.05)
    assert abs(alarm.since - 50_000) < 200


@pytest.mark.parametrize("seed", range(5))
def test_a_constant_or_rising_hit_rate_raises_no_alarm(seed: int) -> None:
    assert watched(by_chance((100_000, 0.45), seed=seed)).raised == 0
    rising = by_chance((5_000, 0.0), (10_000, 0.2), (10_000, 0.4), (30_000, 0.6), seed=seed)
    assert watched(rising).raised == 0


def test_a_second_fall_is_a_second_alarm() -> None:
    watch = watched(by_chance((20_000, 0.6), (20_000, 0.4), (20_000, 0.2)))
    assert [alarm.at // 20_000 for alarm in watch.alarms] == [1, 2]


def test_batches_of_any_sizes_give_the_same() -> None:
    hits = by_chance((20_000, 0.5), (15_000, 0.2))
    whole, cut = watched(hits), watched(hits, 0, 1, 7, 20_001, 20_009, 34_999)
    assert cut.alarms == whole.alarms
    assert len(cut.alarms) == 1
    assert same(cut, whole)


@pytest.mark.parametrize("saved_at", [0, 3, 19_999, 20_300, 30_000])
def test_a_loaded_watch_raises_the_same_alarms(saved_at: int) -> None:
    hits, at = by_chance((20_000, 0.5), (15_000, 0.3)), np.arange(35_000)
    watch, loaded = watched(hits[:saved_at]), DriftWatch()
    loaded.load(watch.state())
    assert same(loaded, watch)
    for each in (watch, loaded):
        each.update(hits[saved_at:], at[saved_at:])
    assert loaded.alarms == watch.alarms == watched(hits).alarms
    assert same(loaded, watch)


def test_the_number_of_kept_windows_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift_watch, "WINDOWS_MAX", 600)
    monkeypatch.setattr(drift_watch, "ALARMS_KEPT", 2)
    falls = [(20_000, rate) for rate in (0.9, 0.7, 0.5, 0.2)]
    hits, watch = by_chance(*falls), DriftWatch()
    loaded = DriftWatch()
    for start in range(0, len(hits), 1_000):
        some = slice(start, start + 1_000)
        watch.update(hits[some], np.arange(start, start + 1_000))
        loaded.load(watch.state())
        assert len(watch.state()["drift_windows"]) < 600
        assert same(loaded, watch)
    assert watch.raised == 3
    assert len(watch.alarms) == 2
