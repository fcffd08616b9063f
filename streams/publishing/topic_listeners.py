"""Reads whose lists the topic `recommendations` has, whoever made them."""

from collections.abc import Callable

from streams.kafka.partition_reader import PartitionReader
from topics.catalogue import RECOMMENDATIONS
from topics.recommendation_list import EVERYONE

ListenersInTopic = Callable[[], set[str]]
"""Reads the topic to its end; blocks, and raises `ServerError` while Kafka is unavailable."""


def listeners_in_topic(kafka: str) -> set[str]:
    """The listeners who have a list: whose newest committed record in a partition is no removal.

    Partitions are looked at one by one: each of them may hold an older list.
    """
    found: set[str] = set()
    group = "echotune-topic-sweep"
    with PartitionReader(kafka, group, RECOMMENDATIONS.name, skips_deleted=True) as reader:
        for partition in reader.partitions():
            found |= _in_partition(reader, partition)
    return found - {EVERYONE}


def _in_partition(reader: PartitionReader, partition: int) -> set[str]:
    found: dict[bytes, bool] = {}
    for message in reader.read(partition, *reader.bounds(partition)):
        found[message.key() or b""] = message.value() is not None
    return {each for key, has_list in found.items() if has_list and (each := _listener(key))}


def _listener(key: bytes) -> str:
    """The listener of a key; empty for what EchoTune never writes."""
    try:
        return key.decode()
    except UnicodeDecodeError:
        return ""
