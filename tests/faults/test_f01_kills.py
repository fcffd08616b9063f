"""F1: workers of both kinds are killed at random moments, again and again, under load."""

import random
import time

import pytest

from tests.support.fault_station import FaultStation
from tests.support.feeding import Feeder
from tests.support.workload import Workload

SEED = 1
KILLS = 20
PORTION = 2_500
"""Events between two kills: 100,000 in all."""
PER_S = 450.0
PAUSE_S = (1.0, 7.0)
"""Time from a portion's first event to the kill: both shorter and longer than a takeover."""


@pytest.mark.fault
@pytest.mark.timeout(1_200)
def test_twenty_kills_of_each_kind_lose_nothing_and_count_nothing_twice(
    broken: FaultStation,
) -> None:
    chance, workload = random.Random(SEED), Workload(SEED)
    broken.keep("sequencer", "sequencer", "recommender")
    feeder = Feeder(broken.addresses.kafka)
    kills = ["sequencer", "recommender"] * KILLS
    chance.shuffle(kills)
    for at, kind in enumerate(kills):
        folded = broken.folded()
        feeder.start(workload.take(PORTION), per_s=PER_S)
        if at % 2:  # on any machine, every second kill hits busy workers
            broken.wait_folded_beyond(folded)
        time.sleep(chance.uniform(*PAUSE_S))
        broken.kill_one(kind, chance)
    assert broken.journal.counts["killed"] == 2 * KILLS
    found = broken.verdict(feeder)
    assert found["log"]["covered"] == 2 * KILLS * PORTION
    assert broken.crashes("sequencer") == broken.crashes("recommender") == 0
