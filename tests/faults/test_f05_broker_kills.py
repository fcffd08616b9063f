"""F5: the broker is killed again and again under load, and workers with it."""

import random
import time

import pytest

from tests.support.fault_station import FaultStation
from tests.support.feeding import Feeder
from tests.support.workload import Workload

KILLS = 5
EVENTS = 15_000


@pytest.mark.fault
@pytest.mark.timeout(600)
def test_a_broker_killed_five_times_under_load_loses_nothing_acknowledged(
    broken: FaultStation,
) -> None:
    chance = random.Random(5)
    broken.keep("sequencer", "sequencer", "recommender")
    feeder = Feeder(broken.addresses.kafka)
    feeder.start(Workload(5).take(EVENTS), per_s=150)
    for _ in range(KILLS):
        time.sleep(chance.uniform(3.0, 8.0))
        broken.servers.kill("kafka")
        broken.journal.note("killed", server="kafka")
        time.sleep(chance.uniform(0.0, 3.0))
        broken.servers.start("kafka")
        broken.journal.note("started", server="kafka")
        broken.keep_running()
    broken.verdict(feeder)
