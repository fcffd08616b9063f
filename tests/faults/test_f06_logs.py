"""F6: logs that are cut, written again or recreated, and sources overtaken by retention."""

import time

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from streams.cli.topics import apply_topics
from streams.kafka.client_settings import client_settings
from streams.kafka.topic_facts import bounds_of
from tests.support.fault_station import FaultStation
from tests.support.feeding import Feeder
from tests.support.log_cutting import cut_tail
from tests.support.station import WAIT_S, wait_until
from tests.support.verdict import settle
from tests.support.workload import Rates, Workload
from topics.catalogue import LEARNING_LOG, LISTENING_EVENTS

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]
GOOD = Rates(poison=0.0)
PARTITIONS = range(4)
TIMEOUT_S = 30.0


def admin_of(station: FaultStation) -> AdminClient:
    return AdminClient(client_settings(station.addresses.kafka))


def fed(station: FaultStation, workload: Workload, events: int) -> Feeder:
    """Feeds `events` and waits until they are applied and published."""
    feeder = Feeder(station.addresses.kafka)
    feeder.feed(workload.take(events))
    feeder.finish()
    settle(station, feeder.to_be_applied)
    return feeder


def test_under_a_log_made_anew_an_old_snapshot_halts_and_says_what_to_do(
    broken: FaultStation,
) -> None:
    broken.keep("sequencer")
    recommender = broken.start("recommender")
    fed(broken, Workload(61, rates=GOOD), 300)
    assert recommender.stop() == 0
    for worker in broken.running("sequencer"):
        worker.stop()
    admin = admin_of(broken)
    admin.delete_topics([LEARNING_LOG.name])[LEARNING_LOG.name].result(TIMEOUT_S)
    wait_until(
        lambda: admin.list_topics(timeout=TIMEOUT_S).topics,
        lambda found: LEARNING_LOG.name not in found,
    )
    apply_topics(broken.settings, broken.addresses)
    successor = broken.start("recommender")
    assert successor.process.wait(WAIT_S) != 0
    assert "No snapshot in" in successor.text()
    assert "echotune reset --snapshots" in successor.text()


def test_what_retention_took_from_a_stopped_sequencer_is_counted_and_the_rest_goes_on(
    broken: FaultStation,
) -> None:
    broken.keep("recommender")
    sequencer = broken.start("sequencer")
    workload = Workload(62, rates=GOOD)
    first = fed(broken, workload, 400)
    assert sequencer.stop() == 0
    feeder = Feeder(broken.addresses.kafka)
    feeder.feed(workload.take(400))
    feeder.finish()
    ends = bounds_of(broken.addresses.kafka, LISTENING_EVENTS.name, PARTITIONS)
    folded = {at: max(o for p, o in first.acknowledged if p == at) + 1 for at in PARTITIONS}
    cut = {at: (folded[at] + bounds.end) // 2 for at, bounds in ends.items()}
    places = [TopicPartition(LISTENING_EVENTS.name, at, offset) for at, offset in cut.items()]
    admin = admin_of(broken)
    for future in admin.delete_records(places).values():
        future.result(TIMEOUT_S)
    broken.start("sequencer")
    missed = sum(cut[at] - folded[at] for at in PARTITIONS)
    wait_until(
        broken.status, lambda it: it["recommender"]["counts"].get("missed_in_source") == missed
    )
    assert missed > 0
    wait_until(broken.status, lambda it: it["lag"] == {"events": 0, "log_records": 0})
    time.sleep(1.0)
    deep = broken.json("verify", "--deep")
    assert deep["kept"], deep
    assert deep["log"]["covered"] == 800 - missed


def test_a_tail_that_was_cut_and_written_anew_publishes_the_new_lists(
    broken: FaultStation,
) -> None:
    broken.environment |= {"ECHOTUNE_CHUNK_RECORDS_MAX": "20", "ECHOTUNE_SNAPSHOTS_KEPT": "100"}
    sequencer, recommender = broken.start("sequencer"), broken.start("recommender")
    workload = Workload(63, rates=GOOD)
    fed(broken, workload, 200)
    time.sleep(2.0)  # a snapshot of the part that remains
    feeder = fed(broken, workload, 1_000)
    broken.servers.kill("kafka")
    sequencer.kill()
    recommender.kill()
    cut_tail(broken.home / "kafka" / "data" / f"{LEARNING_LOG.name}-0", 40)
    broken.servers.start("kafka")
    broken.start("sequencer")
    feeder.feed(
        workload.take(1_000)
    )  # the log grows beyond its previous end before a recommender folds it
    feeder.finish()
    time.sleep(8.0)
    broken.start("recommender")
    wait_until(broken.status, lambda it: it["lag"] == {"events": 0, "log_records": 0})
    settle(broken, broken.status()["applied"])
    deep = broken.json("verify", "--deep")
    assert deep["kept"], deep
