"""Somebody adds partitions to the topics that have one: the log, the journal, the heartbeats."""

import pytest
from confluent_kafka.admin import AdminClient, NewPartitions

from streams.kafka.client_settings import client_settings
from tests.support.events import a_stream
from tests.support.station import Station, wait_until
from topics.catalogue import CATALOGUE

RAISED = 4
PART = 20


def raise_partitions(kafka: str, topic: str) -> None:
    """Raises them as `kafka-topics.sh --alter` does."""
    admin = AdminClient(client_settings(kafka))
    admin.create_partitions([NewPartitions(topic, RAISED)])[topic].result(30.0)


def finding(station: Station, check: str) -> dict[str, str]:
    found = station.json("doctor")["findings"]
    return next(each for each in found if each["check"] == check)


@pytest.mark.timeout(400)
def test_the_first_partition_stays_the_log_and_the_others_are_noted(station: Station) -> None:
    station.up()
    station.start("sequencer")
    recommender = station.start("recommender")
    events = list(a_stream(3 * PART))
    station.produce(events[:PART])
    station.wait_applied(PART)
    of_one = [each.name for each in CATALOGUE if each.partitions == 1]
    for topic in of_one:
        raise_partitions(station.addresses.kafka, topic)
    wait_until(recommender.text, lambda said: said.count("owns the log") > 1)
    station.produce(events[PART : 2 * PART])
    station.wait_applied(2 * PART)

    standby = station.start("recommender")
    assert recommender.stop() == 0
    wait_until(standby.text, lambda said: "owns the log" in said)
    station.produce(events[2 * PART :])
    station.wait_applied(3 * PART)
    wait_until(lambda: finding(station, "heartbeats"), lambda it: it["level"] == "ok")
    said = finding(station, "topics")
    assert said["level"] == "warning"
    assert all(f"= {topic}: it has {RAISED} partitions" in said["says"] for topic in of_one)
    assert station.run("topics", "check").returncode == 0
    assert station.run("topics", "apply").returncode == 0
    assert station.json("verify", "--deep")["kept"]
