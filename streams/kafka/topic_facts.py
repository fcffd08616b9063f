"""Facts about topics outside of Faust: their ids, and where their partitions begin and end."""

from collections.abc import Iterable
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.kafka.client_settings import client_settings, reader_settings
from streams.kafka.cluster import prefixed
from streams.kafka.refusals import explained
from streams.kafka.retries import UNKNOWN_TOPIC_MAX_S, until_elected
from topics.errors import ServerError

_TIMEOUT_S = 10.0


class DescribedTopic(NamedTuple):
    """The cluster's description of a topic; `topic_id` has 16 bytes."""

    topic_id: bytes
    partitions: int


class Bounds(NamedTuple):
    """First offset that a partition still has, and the offset that its next record will get."""

    start: int
    end: int


def bounds_of(
    kafka: str, topic: str, partitions: Iterable[int], *, only_readable: bool = False
) -> dict[int, Bounds]:
    """Bounds of `partitions`; waits for elections. `ServerError` if Kafka is unavailable.

    The end is that of the log (high watermark). With `only_readable` it is the last stable offset,
    before which no transaction is open: what is behind it cannot be read yet.
    """
    topic = prefixed(kafka, topic)
    isolation = "read_committed" if only_readable else "read_uncommitted"
    settings = reader_settings(kafka, "echotune-bounds") | {"isolation.level": isolation}
    consumer = Consumer(settings)
    try:
        return {each: watermarks(consumer, topic, each) for each in partitions}
    except KafkaException as error:
        raise inspection_error(kafka, topic, error) from error
    finally:
        consumer.close()


def watermarks(consumer: Consumer, topic: str, partition: int) -> Bounds:
    """Bounds as `consumer` sees them: for `read_committed`, up to the last stable offset.

    Waits while the partition elects a leader, or has just been created; raises `KafkaException` if
    Kafka is unavailable.
    """
    place = TopicPartition(topic, partition)

    def ask() -> tuple[int, int]:
        return consumer.get_watermark_offsets(place, timeout=_TIMEOUT_S)

    return Bounds(*until_elected(ask, unknown_max_s=UNKNOWN_TOPIC_MAX_S))


def inspection_error(kafka: str, topic: str, error: KafkaException) -> ServerError:
    """The error to report to operators if the facts of a topic cannot be read."""
    if (refused := explained(kafka, error, topic)) is not None:
        return refused
    why = error.args[0].str() if isinstance(error.args[0], KafkaError) else error.args[0]
    return ServerError(
        f"{topic} cannot be inspected on {kafka}: {why}.",
        "Is Kafka up, and did `echotune topics apply` run?",
    )


def describe_topic(kafka: str, topic: str) -> DescribedTopic:
    """The topic's id and partitions; waits for elections. `ServerError` if they are unavailable."""
    topic = prefixed(kafka, topic)
    admin = AdminClient(client_settings(kafka))
    try:
        found = until_elected(
            lambda: admin.describe_topics(TopicCollection([topic]))[topic].result(_TIMEOUT_S)
        )
    except Exception as error:  # KafkaException or a time-out of the future
        if (refused := explained(kafka, error, topic)) is not None:
            raise refused from error
        raise ServerError(
            f"Topic {topic} cannot be described at {kafka}: {str(error) or type(error).__name__}.",
            "Is Kafka up, and did `echotune topics apply` run?",
        ) from error
    return DescribedTopic(_bytes_of(found.topic_id), len(found.partitions))


def _bytes_of(uuid: object) -> bytes:
    high, low = uuid.get_most_significant_bits(), uuid.get_least_significant_bits()  # type: ignore[attr-defined]
    return b"".join((half & (2**64 - 1)).to_bytes(8, "big") for half in (high, low))
