"""Somebody raises the partitions of `recommendations` with a tool of Kafka."""

import pytest
from confluent_kafka.admin import AdminClient, NewPartitions

from streams.kafka.client_settings import client_settings
from streams.kafka.partition_reader import PartitionReader
from streams.kafka.topic_facts import bounds_of
from tests.support.learning_log import an_event
from tests.support.station import Station, wait_until
from topics.catalogue import RECOMMENDATIONS
from topics.listening_event import ListeningEvent
from topics.recommendation_list import EVERYONE

RAISED = 11
LISTENERS = [f"leaver-{number}" for number in range(12)]


def raise_partitions(kafka: str) -> None:
    """Raises them as `kafka-topics.sh --alter` does."""
    admin = AdminClient(client_settings(kafka))
    for done in admin.create_partitions([NewPartitions(RECOMMENDATIONS.name, RAISED)]).values():
        done.result(30.0)


def lists_left(kafka: str) -> set[tuple[int, str]]:
    """(partition, listener) of each list that compaction would keep in its partition."""
    newest: dict[tuple[int, str], bytes | None] = {}
    with PartitionReader(kafka, "test-reader", RECOMMENDATIONS.name) as reader:
        for partition, found in bounds_of(kafka, RECOMMENDATIONS.name, range(RAISED)).items():
            for message in reader.read(partition, found.start, found.end):
                newest[partition, message.key().decode()] = message.value()
    return {place for place, value in newest.items() if value is not None}


@pytest.mark.timeout(300)
def test_an_erased_listener_has_no_list_in_a_partition_that_was_theirs(station: Station) -> None:
    def produce(**fields: object) -> None:
        events = [an_event(each, **fields) for each in LISTENERS]
        station.produce(ListeningEvent(**event) for event in events)

    station.up()
    station.start("sequencer")
    station.start("recommender")
    produce()
    station.wait_applied(len(LISTENERS))
    raise_partitions(station.addresses.kafka)
    produce(minute=5)
    station.wait_applied(2 * len(LISTENERS))
    produce(minute=9, track_id=None, kind="ERASE")
    station.wait_applied(3 * len(LISTENERS))
    left = wait_until(
        lambda: {who for _, who in lists_left(station.addresses.kafka)},
        lambda found: not {*LISTENERS} & found,
    )
    assert left <= {EVERYONE}
