"""Reads the learning-log outside of Faust: its bounds, single records, and ranges in order."""

from collections.abc import Callable, Iterator
from typing import Self

from confluent_kafka import Message

from streams.kafka.partition_reader import PartitionReader
from streams.kafka.topic_facts import Bounds, describe_topic
from streams.kafka.voided_records import LogDecoder
from topics.catalogue import LEARNING_LOG
from topics.errors import LogError, UnreadableError
from topics.learning_log import LogRecord, record_hash

_QUEUE_KBYTES_MAX = 65_536


class LogReader:
    """Reads the only partition of the learning-log; use as a context manager."""

    def __init__(self, kafka: str, topic: str = LEARNING_LOG.name) -> None:
        self._kafka = kafka
        self._topic = topic
        self._decoder = LogDecoder(kafka)
        self._reader = PartitionReader(
            kafka,
            "echotune-log-reader",
            topic,
            fetch_message_max_bytes=LEARNING_LOG.settings["max.message.bytes"],
            queued_max_messages_kbytes=_QUEUE_KBYTES_MAX,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def topic_id(self) -> str:
        """Kafka's id of the log, hex."""
        return describe_topic(self._kafka, self._topic).topic_id.hex()

    def bounds(self) -> Bounds:
        """Where the log begins and ends now; raises `ServerError` while Kafka is unavailable."""
        return self._reader.bounds(0)

    def hash_at(self, offset: int) -> str | None:
        """Hash of the record at `offset`; None if the log has no record there."""
        message = self._message_at(offset)
        if message is None:
            return None
        return record_hash(message.value(), message.timestamp()[1])

    def appended_at(self, offset: int) -> int | None:
        """When the broker appended the record at `offset`, in ms; None if there is none."""
        message = self._message_at(offset)
        return None if message is None else int(message.timestamp()[1])

    def offset_at(self, at_ms: int) -> int | None:
        """Offset of the first record that the broker appended at `at_ms` or later; None if none."""
        return self._reader.offset_at(0, at_ms)

    def _message_at(self, offset: int) -> Message | None:
        bounds = self.bounds()
        if not bounds.start <= offset < bounds.end:
            return None
        return next(self._messages(offset, offset), None)

    def records(self, first: int, last: int) -> Iterator[tuple[int, bytes]]:
        """Offset and value of each record from `first` up to and including `last`."""
        for message in self._messages(first, last):
            yield message.offset(), message.value()

    def decoded(self, first: int, last: int) -> Iterator[tuple[int, LogRecord]]:
        """Offset and content of each record from `first` up to and including `last`.

        Raises `UndecodableRecordError` for one that cannot be read, unless it is declared void.
        """
        return self._decoder.decoded(self.records(first, last), first)

    def _messages(self, first: int, last: int) -> Iterator[Message]:
        try:
            yield from self._reader.read(0, first, last + 1)
        except UnreadableError as error:
            raise LogError(
                f"The learning-log cannot be read: {error.message}", "See docs/operations.md."
            ) from error


ReadLog = Callable[[], LogReader]
"""Opens the log."""
