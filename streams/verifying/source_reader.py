"""Reads the records of a source again, as far as its retention still has them."""

from dataclasses import dataclass
from typing import Self

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from streams.kafka.client_settings import client_settings
from streams.kafka.partition_reader import each_message, is_end
from streams.kafka.topic_facts import describe_topic
from topics.catalogue import LISTENING_EVENTS
from topics.errors import ServerError

_TIMEOUT_S = 10.0


@dataclass(slots=True)
class ReadRecord:
    """A record as sequencers see it; `timestamp` is the broker's, ms."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class SourceRecords:
    """The records of one partition, read forwards; `start` is the first offset there still is."""

    def __init__(self, kafka: str, partition: int) -> None:
        self._consumer = Consumer(
            client_settings(kafka)
            | {
                "group.id": "echotune-source-reader",
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "enable.partition.eof": True,
                "queued.max.messages.kbytes": 16_384,
            }
        )
        self._place = TopicPartition(LISTENING_EVENTS.name, partition)
        self.start, _ = self._consumer.get_watermark_offsets(self._place, timeout=_TIMEOUT_S)
        self._read: list[ReadRecord] = []
        self._next = self.start
        self._is_at_end = False
        self._messages = each_message(self._consumer)
        self._consumer.assign([TopicPartition(LISTENING_EVENTS.name, partition, self.start)])

    def between(self, first: int, last: int) -> list[ReadRecord]:
        """Records from `first` to `last`, inclusive; must not be below what was read before.

        Raises `KafkaException` where Kafka has them and does not send them.
        """
        while self._next <= last and not (self._is_at_end and self._ends_before(last)):
            self._note(next(self._messages))
        self._read = [each for each in self._read if each.offset >= first]
        return [each for each in self._read if each.offset <= last]

    def _note(self, message: Message) -> None:
        self._is_at_end = is_end(message)  # told once, and maybe before there was more
        self._next = message.offset() if self._is_at_end else message.offset() + 1
        if not self._is_at_end:
            self._read.append(_record(message))

    def _ends_before(self, offset: int) -> bool:
        _, end = self._consumer.get_watermark_offsets(self._place, timeout=_TIMEOUT_S)
        return bool(end <= offset)

    def close(self) -> None:
        """Lets go of the connection."""
        self._consumer.close()


def _record(message: Message) -> ReadRecord:
    return ReadRecord(message.offset(), message.timestamp()[1], message.key(), message.value())


class SourceReader:
    """The partitions of the topic that is there now; use as a context manager."""

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
        """The records of these offsets; None where retention or a new topic has taken them."""
        if topic_id != self._topic_id:
            return None
        try:
            records = self._partitions.get(partition)
            if records is None:
                records = self._partitions[partition] = SourceRecords(self._kafka, partition)
            return records.between(first, last) if first >= records.start else None
        except KafkaException as error:
            raise ServerError(
                f"{LISTENING_EVENTS.name}/{partition} cannot be read: {error}.", "Is Kafka up?"
            ) from error
