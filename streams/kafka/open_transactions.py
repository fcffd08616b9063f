"""Open transactions, whose records nobody can read until their producer commits or aborts.

A partition is readable up to its last stable offset, at which its oldest open transaction begins.
Records behind that offset wait, whoever wrote them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from streams.kafka.client_settings import client_settings
from streams.kafka.cluster import prefixed
from streams.kafka.partition_reader import PartitionReader
from streams.kafka.retries import until_elected
from topics.errors import UnreadableError

_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class OpenTransaction:
    """The oldest open transaction of a partition."""

    topic: str
    partition: int
    first_offset: int
    waiting: int
    """How many offsets behind it cannot be read; they include its own records."""
    since_ms: int | None
    """When its first record was appended; None if that record is gone, or may not be read."""


def open_transactions(kafka: str, topics: Iterable[str]) -> list[OpenTransaction]:
    """The oldest open transaction of each partition of those `topics` that exist.

    Raises `KafkaException` or `ServerError` while Kafka is unavailable.
    """
    admin = AdminClient(client_settings(kafka))
    found = until_elected(lambda: admin.list_topics(timeout=_TIMEOUT_S)).topics
    places = [
        TopicPartition(each, at)
        for each in (prefixed(kafka, name) for name in topics)
        if each in found
        for at in found[each].partitions
    ]
    written = _ends(admin, places, IsolationLevel.READ_UNCOMMITTED)  # first: later records
    readable = _ends(admin, places, IsolationLevel.READ_COMMITTED)  # are in no transaction
    return [
        OpenTransaction(*place, at, written[place] - at, _appended_at(kafka, *place, at))
        for place, at in readable.items()
        if at < written[place]
    ]


def _ends(
    admin: AdminClient, places: Iterable[TopicPartition], isolation: IsolationLevel
) -> dict[tuple[str, int], int]:
    wanted = {place: OffsetSpec.latest() for place in places}

    def ask() -> dict[tuple[str, int], int]:
        asked = admin.list_offsets(wanted, isolation_level=isolation, request_timeout=_TIMEOUT_S)
        found = {place: future.result(_TIMEOUT_S) for place, future in asked.items()}
        return {(place.topic, place.partition): each.offset for place, each in found.items()}

    return until_elected(ask)


def _appended_at(kafka: str, topic: str, partition: int, offset: int) -> int | None:
    group = "echotune-open-transactions"
    own = topic.removeprefix(prefixed(kafka, ""))
    with PartitionReader(
        kafka, group, own, skips_deleted=True, isolation_level="read_uncommitted"
    ) as reader:
        try:
            for message in reader.read(partition, offset, offset + 1):
                return int(message.timestamp()[1])
        except UnreadableError:  # without the right to read: its age is unknown
            return None
    return None
