"""F3: a worker freezes and another takes over; later writes of the frozen zombie change nothing."""

import time

import pytest

from tests.support.fault_station import FaultStation
from tests.support.feeding import Feeder
from tests.support.lists_seen import agreed_lists, in_redis, in_topic
from tests.support.verdict import settle
from tests.support.workload import Workload

SESSIONS_S = 2 * 6.0
"""Two session timeouts."""
THAWED_S = 5.0
"""Time that a resumed zombie has to write."""
FROZEN_RECOMMENDERS = [
    "between redis and the topic",
    "between the topic's queue and redis",
    "within a transaction, after its lists",
    "between learning and publishing",
]
FROZEN_SEQUENCERS = [
    "with a chunk on its way",
    "between a delivery report and its acknowledgement",
    "before anything is sent of a chunk",
]


@pytest.mark.fault
@pytest.mark.timeout(400)
def test_a_recommender_frozen_between_its_effects_changes_nothing_when_it_wakes_up(
    broken: FaultStation,
) -> None:
    broken.keep("sequencer")
    workload, feeder = Workload(3), Feeder(broken.addresses.kafka)
    feeder.feed(workload.take(500))
    for point in FROZEN_RECOMMENDERS:
        zombie = broken.start("recommender", ECHOTUNE_TEST_FREEZE=f"{point}:2")
        broken.until_it_stops(zombie, feeder, workload, frozen=True)
        successor = broken.start("recommender")
        feeder.finish()
        settle(broken, feeder.to_be_applied)
        lists = agreed_lists(broken)
        zombie.thaw()
        broken.journal.note("thawed", point=point)
        time.sleep(THAWED_S)
        assert in_topic(broken) == lists
        assert in_redis(broken) == lists
        zombie.kill()
        successor.kill()
    broken.keep("recommender")
    broken.verdict(feeder)


@pytest.mark.fault
@pytest.mark.timeout(400)
def test_a_sequencer_frozen_between_its_effects_doubles_nothing_when_it_wakes_up(
    broken: FaultStation,
) -> None:
    broken.keep("recommender")
    workload, feeder = Workload(33), Feeder(broken.addresses.kafka)
    for point in FROZEN_SEQUENCERS:
        zombie = broken.start("sequencer", ECHOTUNE_TEST_FREEZE=f"{point}:2")
        broken.until_it_stops(zombie, feeder, workload, frozen=True)
        successor = broken.start("sequencer")
        feeder.feed(workload.take(500))
        time.sleep(SESSIONS_S)
        zombie.thaw()
        broken.journal.note("thawed", point=point)
        feeder.feed(workload.take(500))
        time.sleep(THAWED_S)
        zombie.kill()
        successor.kill()
    broken.keep("sequencer")
    broken.verdict(feeder)


@pytest.mark.fault
@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", ["sequencer", "recommender"])
def test_a_worker_that_froze_at_a_random_moment_under_load_changes_nothing(
    broken: FaultStation, kind: str
) -> None:
    broken.keep("sequencer", "recommender", kind)
    feeder = Feeder(broken.addresses.kafka)
    feeder.start(Workload(333).take(12_000), per_s=300)
    for _ in range(2):
        time.sleep(4.0)
        for frozen in broken.running(kind)[:1]:
            frozen.freeze()
            broken.journal.note("frozen", kind=kind)
            time.sleep(SESSIONS_S)
            frozen.thaw()
            broken.journal.note("thawed", kind=kind)
        broken.keep_running()
    broken.verdict(feeder)
