"""Reads partitions of a topic from an offset to an end, without a consumer group's offsets.

Readers of a range of offsets use `PartitionReader`. Three things are never mistaken for the end of
a partition: a broker that stops responding, an error, and a leader election, which is awaited. A
transaction marker occupies an offset and is not a record.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.kafka.client_settings import reader_settings
from streams.kafka.cluster import prefixed
from streams.kafka.retries import is_retriable, until_elected
from streams.kafka.topic_facts import Bounds, inspection_error, watermarks
from topics.errors import ServerError, UnreadableError

SILENT_MAX_S = 10.0
_FETCH_WAIT_MAX_MS = 50
_CALL_TIMEOUT_S = 0.2
_ASK_TIMEOUT_S = 10.0
_MESSAGES_AT_ONCE = 500


class PartitionReader:
    """One consumer of `topic`; reads one partition at a time. Use as a context manager.

    `group` is the reader's name for the broker; nothing is committed. Records of transactions that
    were not committed are skipped. If retention has deleted the next record, a reader with
    `skips_deleted` continues with the first existing one; otherwise that is an error. A reader with
    `skips_undecodable` leaves out what librdkafka cannot decompress, such as a zstd batch that
    expands beyond 100 MB; sequencers do not read it either (`bounded_fetches`). `settings` are
    further settings of librdkafka, with `_` for `.`. All methods raise `ServerError` while Kafka is
    unavailable.
    """

    def __init__(
        self,
        kafka: str,
        group: str,
        topic: str,
        *,
        skips_deleted: bool = False,
        skips_undecodable: bool = False,
        **settings: Any,
    ) -> None:
        self._kafka = kafka
        self._topic = prefixed(kafka, topic)
        self._skips_undecodable = skips_undecodable
        self._consumer = Consumer(
            reader_settings(kafka, group)
            | {
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest" if skips_deleted else "error",
                "fetch.wait.max.ms": _FETCH_WAIT_MAX_MS,
                "fetch.queue.backoff.ms": 10,  # otherwise 1 s of delay with each full queue
            }
            | {name.replace("_", "."): value for name, value in settings.items()}
        )
        self._partition: int | None = None
        self._since = self._next = 0
        self._is_at_end = False
        self._messages: Iterator[Message] = iter(())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._consumer.close()

    # -- facts ---------------------------------------------------------------------------------

    def partitions(self) -> list[int]:
        """Numbers of the topic's partitions; empty if there is no such topic."""
        try:
            return sorted(until_elected(self._listed).partitions)
        except KafkaException as error:
            raise inspection_error(self._kafka, self._topic, error) from error

    def _listed(self) -> Any:
        topic = self._consumer.list_topics(self._topic, timeout=_ASK_TIMEOUT_S).topics[self._topic]
        if topic.error is not None and is_retriable(topic.error):
            raise KafkaException(topic.error)
        return topic

    def bounds(self, partition: int) -> Bounds:
        """First offset that the partition has, and the offset after the last readable one."""
        try:
            return watermarks(self._consumer, self._topic, partition)
        except KafkaException as error:
            raise inspection_error(self._kafka, self._topic, error) from error

    def offset_at(self, partition: int, at_ms: int) -> int | None:
        """Offset of the first record that the broker appended at or after `at_ms`; None if none.

        `at_ms` is in milliseconds since 1970.
        """
        place = TopicPartition(self._topic, partition, at_ms)
        try:
            [found] = until_elected(
                lambda: _without_error(
                    self._consumer.offsets_for_times([place], timeout=_ASK_TIMEOUT_S)
                )
            )
        except KafkaException as error:
            raise inspection_error(self._kafka, self._topic, error) from error
        return int(found.offset) if found.offset >= 0 else None

    # -- records -------------------------------------------------------------------------------

    def read(self, partition: int, first: int, end: int) -> Iterator[Message]:
        """The existing records of `partition` from offset `first` to below `end`.

        Continues the stream of the previous read if `first` is where that ended; only one read may
        be in progress. Raises `ServerError` if nothing comes for `SILENT_MAX_S`, and
        `UnreadableError` if Kafka responds that it cannot send the next records.
        """
        if first >= end:
            return
        self._place(partition, first)
        try:
            while self._next < end and not self._ends_before(end):
                message = next(self._messages)
                if self._skips_undecodable and _is_undecodable(message):
                    self._skip(partition, message.offset())
                    continue
                self._is_at_end = is_end(message)
                if self._is_at_end:
                    self._next = max(self._next, message.offset())
                elif message.offset() >= end:
                    self._next = message.offset()
                    self._messages = chain([message], self._messages)
                elif message.offset() >= self._next:
                    self._since = self._next = message.offset() + 1
                    yield message
        except KafkaException as error:
            here, self._partition = self._here(), None  # with its failure a stream is over
            if isinstance(error, SilentError):
                raise ServerError(
                    f"{here} did not come from {self._kafka} in {SILENT_MAX_S:.0f} s.",
                    "Is Kafka up? Try again.",
                ) from error
            raise UnreadableError(f"{here} cannot be read: {error}.", "Is Kafka up?") from error

    def _place(self, partition: int, first: int) -> None:
        if partition == self._partition and self._since <= first <= self._next:
            return  # there is no record in between
        self._partition, self._since, self._next = partition, first, first
        self._is_at_end = False
        self._consumer.assign([TopicPartition(self._topic, partition, first)])
        self._messages = messages(self._consumer)

    def _skip(self, partition: int, offset: int) -> None:
        """Continues after a record that cannot be decompressed, in its batch or behind it."""
        self._partition = None
        self._place(partition, max(self._next, offset) + 1)

    def _ends_before(self, end: int) -> bool:
        """Checks again at a reported end: it is reported once, and may be outdated."""
        assert self._partition is not None
        return self._is_at_end and self.bounds(self._partition).end < end

    def _here(self) -> str:
        return f"{self._topic}/{self._partition}/{self._next}"


def _without_error(places: list[TopicPartition]) -> list[TopicPartition]:
    for each in places:
        if each.error is not None:
            raise KafkaException(each.error)
    return places


class SilentError(KafkaException):
    """Nothing came for too long: neither a record nor the end of a partition."""


def messages(consumer: Consumer, silent_max_s: float = SILENT_MAX_S) -> Iterator[Message]:
    """Each record and each end of the assigned partitions, immediately, without an end.

    Raises `SilentError` if nothing comes for `silent_max_s`; a leader election counts as nothing. A
    caller that continues later with the same positions must continue with the same iterator,
    because it may hold records that were fetched together.
    """
    silent_s = 0.0
    while silent_s < silent_max_s:
        message = consumer.poll(_CALL_TIMEOUT_S)
        if message is None or _is_electing(message):
            silent_s += _CALL_TIMEOUT_S
            continue
        silent_s = 0.0
        yield message
        more = consumer.consume(_MESSAGES_AT_ONCE, timeout=0)  # without waiting
        yield from (each for each in more if not _is_electing(each))
    raise SilentError(KafkaError(KafkaError._TIMED_OUT))


def _is_electing(message: Message) -> bool:
    error = message.error()
    return error is not None and is_retriable(error)


def _is_undecodable(message: Message) -> bool:
    error = message.error()
    return error is not None and error.code() == KafkaError._BAD_COMPRESSION


def is_end(message: Message) -> bool:
    """Whether `message` is the end of its partition; raises `KafkaException` for other errors."""
    error = message.error()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:
        raise KafkaException(error)
    return error is not None
