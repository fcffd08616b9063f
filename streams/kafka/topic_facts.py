"""Facts about topics outside of Faust: their ids, and where their partitions begin and end."""

from collections.abc import Iterable
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.kafka.client_settings import client_settings, reader_settings
from streams.kafka.waiting import until_elected
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
    """Bounds of each of `partitions`, which may be electing; `ServerError` while Kafka is away."""
    consumer = Consumer(reader_settings(kafka, "echotune-bounds"))
    try:
        return {each: watermarks(consumer, topic, each) for each in partitions}
    except KafkaException as error:
        raise not_looked_at(kafka, topic, error) from error
    finally:
        consumer.close()


def watermarks(consumer: Consumer, topic: str, partition: int) -> Bounds:
    """Bounds as `consumer` sees them, with what is committed alone where it reads only that.

    Waits while the partition elects a leader; raises `KafkaException` while Kafka is away.
    """
    place = TopicPartition(topic, partition)
    return Bounds(*until_elected(lambda: consumer.get_watermark_offsets(place, timeout=_TIMEOUT_S)))


def not_looked_at(kafka: str, topic: str, error: KafkaException) -> ServerError:
    """What people see where `error` keeps a topic's facts from them."""
    why = error.args[0].str() if isinstance(error.args[0], KafkaError) else error.args[0]
    return ServerError(
        f"{topic} cannot be looked at on {kafka}: {why}.",
        "Is Kafka up, and did `echotune topics apply` run?",
    )


def describe_topic(kafka: str, topic: str) -> DescribedTopic:
    """The topic as the cluster knows it, which may be electing; `ServerError` where it does not."""
    admin = AdminClient(client_settings(kafka))
    try:
        found = until_elected(
            lambda: admin.describe_topics(TopicCollection([topic]))[topic].result(_TIMEOUT_S)
        )
    except Exception as error:  # KafkaException or a time-out of the future
        raise ServerError(
            f"Topic {topic} cannot be described at {kafka}: {str(error) or type(error).__name__}.",
            "Is Kafka up, and did `echotune topics apply` run?",
        ) from error
    return DescribedTopic(_bytes_of(found.topic_id), len(found.partitions))


def _bytes_of(uuid: object) -> bytes:
    high, low = uuid.get_most_significant_bits(), uuid.get_least_significant_bits()  # type: ignore[attr-defined]
    return b"".join((half & (2**64 - 1)).to_bytes(8, "big") for half in (high, low))
