"""Reads the records of a source again, as far as retention has kept them."""

from dataclasses import dataclass
from typing import Self

from confluent_kafka import Message

from streams.kafka.partition_reader import PartitionReader
from streams.kafka.topic_facts import describe_topic
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Headers

_QUEUE_KBYTES_MAX = 16_384


@dataclass(slots=True)
class ReadRecord:
    """A record as sequencers read it; `timestamp` is the broker's append time, ms."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class SourceRecords:
    """The records of one partition, read forwards; `start` is the first offset that exists."""

    def __init__(self, kafka: str, partition: int) -> None:
        self._partition = partition
        self._reader = PartitionReader(
            kafka,
            "echotune-source-reader",
            LISTENING_EVENTS.name,
            skips_undecodable=True,
            queued_max_messages_kbytes=_QUEUE_KBYTES_MAX,
        )
        self.start = self._next = self._reader.bounds(partition).start
        self._read: list[ReadRecord] = []

    def between(self, first: int, last: int) -> list[ReadRecord]:
        """Records from `first` to `last`, inclusive; `first` must never decrease.

        Raises `ServerError` if Kafka does not send records that exist.
        """
        for message in self._reader.read(self._partition, self._next, last + 1):
            self._next = message.offset() + 1
            self._read.append(_record(message))
        self._read = [each for each in self._read if each.offset >= first]
        return [each for each in self._read if each.offset <= last]

    def close(self) -> None:
        """Closes the connection."""
        self._reader.close()


def _record(message: Message) -> ReadRecord:
    headers = message.headers() or ()
    at = message.timestamp()[1]
    return ReadRecord(message.offset(), at, message.key(), message.value(), headers)


class SourceReader:
    """The partitions of the topic as it exists now; use as a context manager."""

    def __init__(self, kafka: str) -> None:
        self._kafka = kafka
        self._topic_id = describe_topic(kafka, LISTENING_EVENTS.name).topic_id
        self._partitions: dict[int, SourceRecords] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._partitions.values():
            each.close()

    def between(
        self, topic_id: bytes, partition: int, first: int, last: int
    ) -> list[ReadRecord] | None:
        """The records of these offsets; None if retention or a recreated topic has removed them."""
        if topic_id != self._topic_id:
            return None
        records = self._partitions.get(partition)
        if records is None:
            records = self._partitions[partition] = SourceRecords(self._kafka, partition)
        return records.between(first, last) if first >= records.start else None
