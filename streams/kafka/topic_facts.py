"""Facts about topics outside of Faust: their ids, and where their partitions begin and end."""

from collections.abc import Iterable
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.kafka.client_settings import client_settings
from topics.errors import ServerError

_TIMEOUT_S = 10.0


class DescribedTopic(NamedTuple):
    """What the cluster says of a topic; `topic_id` are 16 bytes."""

    topic_id: bytes
    partitions: int


class Bounds(NamedTuple):
    """First offset that a partition still has, and the one its next record will get."""

    start: int
    end: int


def bounds_of(kafka: str, topic: str, partitions: Iterable[int]) -> dict[int, Bounds]:
    """Bounds of each of `partitions`; raises `ServerError` while Kafka is away."""
    consumer = Consumer(client_settings(kafka) | {"group.id": "echotune-bounds"})
    try:
        return {
            each: Bounds(
                *consumer.get_watermark_offsets(TopicPartition(topic, each), timeout=_TIMEOUT_S)
            )
            for each in partitions
        }
    except KafkaException as error:
        raise ServerError(
            f"{topic} cannot be looked at on {kafka}: {error.args[0].str()}.",
            "Is Kafka up, and did `echotune topics apply` run?",
        ) from error
    finally:
        consumer.close()


def describe_topic(kafka: str, topic: str) -> DescribedTopic:
    """The topic as the cluster knows it; raises `ServerError` where it does not."""
    admin = AdminClient(client_settings(kafka))
    try:
        found = admin.describe_topics(TopicCollection([topic]))[topic].result(timeout=_TIMEOUT_S)
    except Exception as error:  # KafkaException or a time-out of the future
        raise ServerError(
            f"Topic {topic} cannot be described at {kafka}: {str(error) or type(error).__name__}.",
            "Is Kafka up, and did `echotune topics apply` run?",
        ) from error
    return DescribedTopic(_bytes_of(found.topic_id), len(found.partitions))


def _bytes_of(uuid: object) -> bytes:
    high, low = uuid.get_most_significant_bits(), uuid.get_least_significant_bits()  # type: ignore[attr-defined]
    return b"".join((half & (2**64 - 1)).to_bytes(8, "big") for half in (high, low))
