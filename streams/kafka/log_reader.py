"""Reads the learning-log outside of Faust: single records, its bounds, and all of it in order."""

from collections.abc import Callable, Iterator
from typing import Self

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from streams.kafka.client_settings import client_settings
from streams.kafka.partition_reader import SILENT_MAX_S, SilentError, each_message, is_end
from streams.kafka.topic_facts import Bounds, describe_topic
from topics.catalogue import LEARNING_LOG
from topics.errors import LogError, ServerError
from topics.learning_log import record_hash

_READ_TIMEOUT_S = 10.0


class LogReader:
    """A consumer of the learning-log without a group; use as a context manager."""

    def __init__(self, kafka: str, topic: str = LEARNING_LOG.name) -> None:
        self._kafka = kafka
        self._topic = topic
        self._consumer = Consumer(
            client_settings(kafka)
            | {
                "group.id": "echotune-log-reader",
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 50,
                "fetch.queue.backoff.ms": 10,  # else a second's wait with each full queue
                "fetch.message.max.bytes": LEARNING_LOG.settings["max.message.bytes"],
                "queued.max.messages.kbytes": 65_536,
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def topic_id(self) -> str:
        """Kafka's id of the log, hex."""
        return describe_topic(self._kafka, self._topic).topic_id.hex()

    def bounds(self) -> Bounds:
        """First offset and end of the log; raises `ServerError` while Kafka is away."""
        place = TopicPartition(self._topic, 0)
        try:
            return Bounds(*self._consumer.get_watermark_offsets(place, timeout=_READ_TIMEOUT_S))
        except KafkaException as error:
            raise ServerError(
                f"{self._topic} cannot be looked at on {self._kafka}: {error.args[0].str()}.",
                "Is Kafka up, and did `echotune topics apply` run?",
            ) from error

    def hash_at(self, offset: int) -> str | None:
        """Hash of the record at `offset`; None where the log has none there."""
        bounds = self.bounds()
        if not bounds.start <= offset < bounds.end:
            return None
        for message in self._messages(offset, offset):
            if message.offset() == offset:
                return record_hash(message.value(), message.timestamp()[1])
        return None

    def records(self, first: int, last: int) -> Iterator[tuple[int, bytes]]:
        """Offset and value of each record from `first` to `last`, inclusive."""
        for message in self._messages(first, last):
            yield message.offset(), message.value()

    def _messages(self, first: int, last: int) -> Iterator[Message]:
        if first > last:
            return
        self._consumer.assign([TopicPartition(self._topic, 0, first)])
        try:
            for message in each_message(self._consumer):
                if is_end(message) or message.offset() > last:
                    return
                yield message
                if message.offset() == last:
                    return
        except SilentError as error:
            raise ServerError(
                f"No record of {self._topic} came from {self._kafka} in {SILENT_MAX_S:.0f} s.",
                "Is Kafka up? Try again.",
            ) from error
        except KafkaException as error:
            raise LogError(
                f"The learning-log cannot be read: {error}.", "See docs/operations.md."
            ) from error


ReadLog = Callable[[], LogReader]
"""Opens the log."""
