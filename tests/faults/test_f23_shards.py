"""F23, not a planned fault: M recommenders are killed, frozen, and resharded under load."""

import time

import pytest

from tests.support.fault_station import FaultStation
from tests.support.feeding import Feeder
from tests.support.list_watching import Watcher
from tests.support.lists_seen import agreed_lists, in_redis, in_topic
from tests.support.sharded_station import Shards
from tests.support.station import wait_until
from tests.support.workload import Workload

THAWED_S = 5.0
UNDER_LOAD_S = 6.0
PER_S = 150
FROZEN = ["between redis and the topic", "within a transaction, after its lists"]


@pytest.mark.fault
@pytest.mark.timeout(600)
def test_no_list_goes_back_while_m_changes_under_load(broken: FaultStation) -> None:
    broken.keep("sequencer")
    feeder = Feeder(broken.addresses.kafka)
    shards = Shards(broken, 2)
    with Watcher(broken) as watcher:
        feeder.start(Workload(23).take(12_000), per_s=PER_S)
        for next_m in (3, 1):
            time.sleep(UNDER_LOAD_S)
            shards.workers[0].kill()
            shards.workers[0] = shards.another(0)
            time.sleep(UNDER_LOAD_S)
            for at, worker in enumerate(shards.workers):
                worker.stop() if at else worker.kill()
            broken.journal.note("M changes", to=next_m)
            shards.begin(next_m)
            wait_until(broken.status, lambda found: all(s["publishing"] for s in found["shards"]))
        feeder.finish()
        shards.settle(feeder.to_be_applied)
    broken.journal.note("watched", **watcher.seen)
    assert (watcher.older, watcher.failures) == ([], [])
    broken.verdict(feeder)


@pytest.mark.fault
@pytest.mark.timeout(400)
@pytest.mark.parametrize("point", FROZEN)
def test_a_frozen_recommender_of_an_old_m_changes_nothing_when_it_wakes_up(
    broken: FaultStation, point: str
) -> None:
    broken.keep("sequencer")
    workload, feeder = Workload(24), Feeder(broken.addresses.kafka)
    feeder.feed(workload.take(500))
    zombie = broken.start("recommender", ECHOTUNE_TEST_FREEZE=f"{point}:2")
    broken.until_it_stops(zombie, feeder, workload, frozen=True)
    shards = Shards(broken, 2)
    feeder.feed(workload.take(500))
    feeder.finish()
    with Watcher(broken) as watcher:
        shards.settle(feeder.to_be_applied)
        lists = agreed_lists(broken)
        zombie.thaw()
        broken.journal.note("thawed", point=point)
        time.sleep(THAWED_S)
        assert in_topic(broken) == in_redis(broken) == lists
    assert (watcher.older, watcher.failures) == ([], [])
    zombie.kill()
    shards.check()
    broken.verdict(feeder)
