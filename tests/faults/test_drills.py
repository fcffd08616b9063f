"""Directed fault tests (drills): each causes, on real servers, the fault that a safeguard handles.

`make test-mutations` takes the safeguard away and expects the test to fail.
"""

import random
import time

import pytest

from tests.support.fault_station import FaultStation
from tests.support.feeding import Feeder
from tests.support.lists_seen import agreed_lists, in_redis, in_topic, redis_of
from tests.support.log_cutting import cut_tail
from tests.support.station import Worker, wait_until
from tests.support.verdict import settle
from tests.support.workload import Rates, Workload
from topics.catalogue import LEARNING_LOG

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]
THAWED_S = 4.0
GOOD = Rates(poison=0.0)


def fed(station: FaultStation, workload: Workload, events: int) -> Feeder:
    """Feeds `events`, and waits until all of them are applied and published."""
    feeder = Feeder(station.addresses.kafka)
    feeder.feed(workload.take(events))
    feeder.finish()
    settle(station, feeder.to_be_applied)
    return feeder


def test_a_repeated_chunk_counts_once(broken: FaultStation) -> None:
    broken.keep("recommender")
    workload, feeder = Workload(1, rates=Rates(again=0.1)), Feeder(broken.addresses.kafka)
    point = "between an acknowledgement and its commit"
    dying = broken.start("sequencer", ECHOTUNE_TEST_CRASH=f"{point}:4")
    broken.until_it_stops(dying, feeder, workload)
    feeder.feed(workload.take(500))  # so that the repeated records arrive in another chunk
    broken.keep("sequencer")
    broken.verdict(feeder)


def test_a_lost_chunk_comes_again_with_all_that_followed_it(broken: FaultStation) -> None:
    broken.keep("recommender")
    sequencer = broken.start("sequencer", ECHOTUNE_TEST_BREAK="lose a batch:50")
    workload = Workload(2)
    feeder = fed(broken, workload, 200)
    feeder.feed(workload.take(2_000), per_s=200)
    broken.verdict(feeder)
    assert sequencer.process.poll() is None
    assert "a record did not reach the log" in sequencer.text()
    assert broken.status()["recommender"]["counts"]["batches_ahead"] > 0


def test_a_late_dead_letter_holds_its_chunk_and_all_behind_it(broken: FaultStation) -> None:
    broken.keep("recommender")
    sequencer = broken.start("sequencer", ECHOTUNE_TEST_BREAK="hold dead letters")
    workload = Workload(3, rates=GOOD)
    feeder = fed(broken, workload, 100)
    workload.rates = Rates(poison=0.005)
    for _ in range(40):
        feeder.feed(workload.take(25))
        time.sleep(0.2)
    feeder.finish()
    time.sleep(THAWED_S)  # everything that may be committed is committed by then
    sequencer.kill()
    broken.keep("sequencer")
    broken.verdict(feeder)


def test_a_frozen_recommender_overwrites_nothing_when_it_wakes_up(broken: FaultStation) -> None:
    broken.keep("sequencer")
    workload, feeder = Workload(4, listeners=40, rates=GOOD), Feeder(broken.addresses.kafka)
    feeder.feed(workload.take(200))
    for point in (
        "between the topic's queue and redis",
        "within a transaction, before its lists",
    ):
        zombie = broken.start("recommender", ECHOTUNE_TEST_FREEZE=f"{point}:1")
        broken.until_it_stops(zombie, feeder, workload, frozen=True)
        successor = broken.start("recommender")
        feeder.feed(workload.take(400))
        feeder.finish()
        settle(broken, feeder.to_be_applied)
        lists = agreed_lists(broken)
        zombie.thaw()
        time.sleep(THAWED_S)
        assert in_topic(broken) == lists
        assert in_redis(broken) == lists
        zombie.kill()
        successor.kill()
    broken.keep("recommender")
    broken.verdict(feeder)


def test_a_damaged_snapshot_gives_way_to_an_older_one(broken: FaultStation) -> None:
    broken.keep("sequencer")
    recommender = broken.start("recommender")
    workload = Workload(5)
    fed(broken, workload, 500)
    wait_until(lambda: len(snapshots(broken)), lambda found: found > 0)
    feeder = Feeder(broken.addresses.kafka)
    feeder.feed(workload.take(500), per_s=200)
    assert recommender.stop() == 0
    flip_a_bit(broken, random.Random(5))
    successor = broken.start("recommender")
    wait_until(lambda: _is_ready_or_gone(successor), bool)
    assert successor.process.poll() is None, successor.text()[-2_000:]
    assert "is damaged" in successor.text()
    feeder.finish()
    assert broken.json("verify", "--deep")["kept"]


def snapshots(station: FaultStation) -> list[str]:
    """Paths of the snapshots, oldest first."""
    folder = station.home / "snapshots" / station.settings.recommender_id
    return sorted(str(path) for path in folder.glob("*.snapshot"))


def flip_a_bit(station: FaultStation, chance: random.Random) -> None:
    """Changes one bit in the content of the newest snapshot."""
    with open(snapshots(station)[-1], "r+b") as file:
        data = bytearray(file.read())
        data[chance.randrange(len(data) // 2, len(data) - 16)] ^= 1 << chance.randrange(8)
        file.seek(0)
        file.write(data)
    station.journal.note("flipped a bit")


def _is_ready_or_gone(worker: Worker) -> bool:
    return worker.process.poll() is not None or "state ready" in worker.text()


def test_an_emptied_redis_gets_every_list_back(broken: FaultStation) -> None:
    broken.keep("sequencer", "recommender")
    feeder = fed(broken, Workload(6), 1_000)
    before = set(in_redis(broken))
    with redis_of(broken) as redis:
        redis.flushall()
    wait_until(lambda: set(in_redis(broken)), lambda found: found == before)
    broken.verdict(feeder)


def test_a_recommender_killed_before_it_published_owes_the_lists(broken: FaultStation) -> None:
    broken.keep("sequencer")
    recommender = broken.start("recommender")
    workload = Workload(7, rates=GOOD)
    feeder = fed(broken, workload, 300)
    broken.servers.kill("redis")
    feeder.feed(workload.take(1_000))
    feeder.finish()
    newest = snapshots(broken)
    wait_until(lambda: snapshots(broken), lambda found: found[-1:] > newest[-1:])
    time.sleep(THAWED_S)
    recommender.kill()
    broken.servers.start("redis")
    broken.keep("recommender")
    broken.verdict(feeder)


def test_nothing_but_poison_is_covered_and_what_follows_counts(broken: FaultStation) -> None:
    broken.keep("sequencer", "recommender")
    workload = Workload(8)
    feeder = fed(broken, workload, 200)
    feeder.feed(workload.poison(20))
    feeder.finish()
    settle(broken, feeder.to_be_applied)
    feeder.feed(workload.take(200))
    broken.verdict(feeder)


def test_a_lost_tail_is_sent_again_by_a_sequencer_that_never_stopped(broken: FaultStation) -> None:
    broken.environment |= {"ECHOTUNE_CHUNK_RECORDS_MAX": "20", "ECHOTUNE_SNAPSHOTS_KEPT": "100"}
    broken.keep("sequencer")
    recommender = broken.start("recommender")
    workload = Workload(9, rates=GOOD)
    feeder = fed(broken, workload, 200)
    wait_until(lambda: len(snapshots(broken)), lambda found: found > 0)
    feeder.feed(workload.take(2_000))
    feeder.finish()
    settle(broken, feeder.to_be_applied)
    broken.servers.kill("kafka")
    recommender.kill()
    cut_tail(broken.home / "kafka" / "data" / f"{LEARNING_LOG.name}-0", 50)
    broken.journal.note("cut", records=50)
    broken.servers.start("kafka")
    broken.keep("recommender")
    broken.verdict(feeder)
