"""F1: workers of both kinds are killed at random moments, again and again, under load."""

import random
import time

import pytest

from tests.support.fault_station import FaultStation
from tests.support.feeding import Feeder
from tests.support.workload import Workload

SEED = 1
EVENTS = 100_000
PER_S = 450.0
KILLS = 20
PAUSE_S = (1.0, 9.0)
"""Between two kills: less than a worker needs to take over, and more."""
WORKED_MIN = 10
"""So many recommenders at least had folded something since the one before was killed."""


@pytest.mark.fault
@pytest.mark.timeout(900)
def test_twenty_kills_of_each_kind_lose_nothing_and_count_nothing_twice(
    broken: FaultStation,
) -> None:
    chance = random.Random(SEED)
    broken.keep("sequencer", "sequencer", "recommender")
    feeder = Feeder(broken.addresses.kafka)
    feeder.start(Workload(SEED).take(EVENTS), per_s=PER_S)
    kills = ["sequencer", "recommender"] * KILLS
    chance.shuffle(kills)
    for kind in kills:
        time.sleep(chance.uniform(*PAUSE_S))
        broken.kill_one(kind, chance)
    assert broken.journal.counts["killed"] == 2 * KILLS
    folded = [each["as_of"] for each in broken.journal.told("killed", kind="recommender")]
    assert len({each for each in folded if each >= 0}) >= WORKED_MIN
    found = broken.verdict(feeder)
    assert found["log"]["covered"] == EVENTS
    assert broken.crashes("sequencer") == broken.crashes("recommender") == 0
