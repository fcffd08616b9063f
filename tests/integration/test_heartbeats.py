"""Heartbeats on a real broker: whatever becomes of their topic, no recommender ends of it."""

from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from streams.heartbeats.heartbeat_reader import HeartbeatReader
from streams.heartbeats.heartbeat_writer import HeartbeatWriter
from streams.kafka.client_settings import client_settings
from streams.kafka.cluster import KafkaCluster
from streams.monitoring.drift_alarms import AlarmTopic
from tests.support.station import wait_until
from topics.catalogue import LEARNING_PROGRESS
from topics.drift_alarm import DriftAlarm
from topics.learning_progress import LearningProgress

TIMEOUT_S = 30.0
BEAT = LearningProgress("a-recommender", "first", 0, 7, ())
ALARM = DriftAlarm("first", 0, 7, 5, 3, 0.2, 0.1)


def test_heartbeats_are_dropped_while_their_topic_is_deleted_and_heard_when_it_is_there_again(
    kafka: str,
) -> None:
    cluster = KafkaCluster(kafka, prefix=f"heartbeats-{uuid4().hex[:8]}.")
    topic, admin = f"{cluster.prefix}{LEARNING_PROGRESS.name}", AdminClient(client_settings(kafka))

    def create() -> None:
        admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(TIMEOUT_S)

    def heard() -> bool:
        writer.write(BEAT)
        return bool(reader.heartbeats())

    create()
    writer = HeartbeatWriter(cluster)
    writer.write(BEAT)
    writer.close()
    admin.delete_topics([topic])[topic].result(TIMEOUT_S)
    wait_until(lambda: admin.list_topics(timeout=TIMEOUT_S).topics, lambda it: topic not in it)
    writer.write(BEAT)
    create()
    reader = HeartbeatReader(cluster, lambda _: None)
    with closing(reader):
        reader.start()
        wait_until(heard, bool)


class Refusing:
    """A producer that knows that the topic was deleted."""

    refused = 0

    def produce(self, *_: Any, **__: Any) -> None:
        self.refused += 1
        raise KafkaException(KafkaError(KafkaError._UNKNOWN_TOPIC))

    def poll(self, _: float) -> int:
        return 0


@pytest.mark.parametrize(
    ("writes", "what"), [(HeartbeatWriter, BEAT), (AlarmTopic, ALARM)], ids=["heartbeat", "alarm"]
)
def test_what_the_client_refuses_at_once_is_dropped(kafka: str, writes: Any, what: Any) -> None:
    writer, refusing = writes(kafka), Refusing()
    writer._producer = refusing
    writer.write(what)
    assert refusing.refused == 1
