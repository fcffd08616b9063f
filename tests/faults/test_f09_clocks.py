"""F9: the same log gives the same bytes, regardless of a worker's clock."""

import time

import pytest

from tests.support.fault_station import FaultStation
from tests.support.feeding import Feeder
from tests.support.learning_log import a_fold, a_history, batches
from tests.support.naive_fold import NaiveFold
from tests.support.workload import Workload

DAY_S = 86_400.0
CLOCKS = {
    "three days ahead": lambda now: now + 3 * DAY_S,
    "ten times as fast": lambda now: now * 10,
    "an hour behind": lambda now: now - 3_600,
    "standing still": lambda now: 1_000.0,
}


@pytest.mark.parametrize("name", CLOCKS)
def test_a_state_folded_by_another_clock_has_the_same_digest(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = batches(a_history(2_000), 50)
    expected = NaiveFold({"model": "fast"}, 1_024).fold(log).digest()
    real, clock = time.time, CLOCKS[name]
    monkeypatch.setattr(time, "time", lambda: clock(real()))
    monkeypatch.setattr(time, "time_ns", lambda: int(clock(real()) * 1e9))
    fold = a_fold("fast", 1_024)
    fold.apply_many(enumerate(log))
    assert fold.digest() == expected


@pytest.mark.fault
def test_workers_whose_clocks_are_wrong_change_nothing(broken: FaultStation) -> None:
    ahead = broken.start("recommender", ECHOTUNE_TEST_BREAK="set the clock ahead")
    broken.start("sequencer", ECHOTUNE_TEST_BREAK="set the clock behind")
    feeder = Feeder(broken.addresses.kafka)
    feeder.feed(Workload(9).take(2_000), per_s=1_000)
    broken.verdict(feeder)
    ahead.kill()
    broken.keep("recommender")
    broken.verdict(feeder)
