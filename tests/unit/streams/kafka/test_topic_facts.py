"""Facts of a topic are waited for while a broker elects, as it does just after its restart."""

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicCollection, Uuid

from streams.kafka import retries, topic_facts
from streams.kafka.topic_facts import Bounds, bounds_of, describe_topic
from tests.support.kafka_consumer import AConsumer
from topics.errors import ServerError

ELECTING = [KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE]


@pytest.fixture(autouse=True)
def no_real_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "RETRY_S", 0.0)


class AnAdmin:
    """Describes a topic of three partitions after `failures`."""

    def __init__(self, *failures: int) -> None:
        self._failures = [*failures]

    def describe_topics(self, topics: TopicCollection) -> dict[str, "Future[Any]"]:
        described: Future[Any] = Future()
        if self._failures:
            described.set_exception(KafkaException(KafkaError(self._failures.pop(0))))
        else:
            described.set_result(SimpleNamespace(topic_id=Uuid(1, -1), partitions=[None] * 3))
        return {"a-topic": described}


def test_the_bounds_of_partitions_that_elect_a_leader_are_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    consumer = AConsumer({}, {0: 4, 1: 7}, failures=ELECTING)
    monkeypatch.setattr(topic_facts, "Consumer", consumer.made_with)
    assert bounds_of("kafka", "a-topic", [0, 1]) == {0: Bounds(0, 4), 1: Bounds(0, 7)}
    assert consumer.is_closed


def test_bounds_that_kafka_does_not_say_are_an_error_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    consumer = AConsumer({}, {0: 4}, failures=[KafkaError._TIMED_OUT])
    monkeypatch.setattr(topic_facts, "Consumer", consumer.made_with)
    with pytest.raises(ServerError, match="a-topic cannot be inspected on kafka") as caught:
        bounds_of("kafka", "a-topic", [0])
    assert "topics apply" in caught.value.remedy
    assert consumer.is_closed


def test_a_topic_is_described_as_soon_as_a_broker_can(monkeypatch: pytest.MonkeyPatch) -> None:
    admin = AnAdmin(*ELECTING)
    monkeypatch.setattr(topic_facts, "AdminClient", lambda _: admin)
    found = describe_topic("kafka", "a-topic")
    assert found == (bytes(7) + b"\x01" + b"\xff" * 8, 3)


def test_a_topic_that_is_not_there_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    admin = AnAdmin(KafkaError.UNKNOWN_TOPIC_OR_PART)
    monkeypatch.setattr(topic_facts, "AdminClient", lambda _: admin)
    with pytest.raises(ServerError, match="Topic a-topic cannot be described"):
        describe_topic("kafka", "a-topic")
