"""A fake Kafka consumer: a test sets what each partition returns, and which calls fail."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

Item = Any
"""The next result of a partition: a message, or None for a call that returns nothing."""


def a_record(offset: int, partition: int = 0, **fields: Any) -> Any:
    """A record without headers, whose timestamp is its offset."""
    given = {"key": b"ann", "value": b"%d" % offset, "headers": None, "timestamp": (1, offset)}
    return _message(partition, offset, None, **(given | fields))


def an_end(offset: int, partition: int = 0) -> Any:
    """librdkafka's end-of-partition event, if the next record would have this offset."""
    return _message(partition, offset, KafkaError(KafkaError._PARTITION_EOF))


def a_failure(code: int, partition: int = 0) -> Any:
    """The error of a partition that cannot be read."""
    return _message(partition, -1001, KafkaError(code))


def _message(partition: int, offset: int, error: KafkaError | None, **fields: Any) -> Any:
    given = {"partition": partition, "offset": offset, "error": error} | fields
    return SimpleNamespace(**{name: lambda value=value: value for name, value in given.items()})


class AConsumer:
    """A consumer of a topic whose partitions return `items`; `ends` are their end offsets.

    Each call for metadata fails with the next of `failures`, as long as there are any.
    """

    def __init__(
        self,
        items: Mapping[int, Sequence[Item]],
        ends: Mapping[int, int] | None = None,
        failures: Sequence[int] = (),
    ) -> None:
        self._items = items
        self._ends = ends or {}
        self._failures = [*failures]
        self._left: list[Item] = []
        self.settings: dict[str, Any] = {}
        self.assigned: list[tuple[int, int]] = []
        self.asked = 0
        self.is_closed = False

    def made_with(self, settings: dict[str, Any]) -> "AConsumer":
        """Replaces the constructor of the client's class."""
        self.settings = settings
        return self

    # -- facts ---------------------------------------------------------------------------------

    def _ask(self) -> None:
        self.asked += 1
        if self._failures:
            raise KafkaException(KafkaError(self._failures.pop(0)))

    def list_topics(self, name: str, timeout: float) -> Any:
        """The topic, with an error if a test wants one: the call itself does not fail."""
        self.asked += 1
        error = KafkaError(self._failures.pop(0)) if self._failures else None
        partitions = {} if error else dict.fromkeys(self._items)
        return SimpleNamespace(topics={name: SimpleNamespace(error=error, partitions=partitions)})

    def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> tuple[int, int]:
        """Start and end offset of a partition."""
        self._ask()
        return 0, self._ends[place.partition]

    def offsets_for_times(self, places: list[TopicPartition], timeout: float) -> Any:
        """Offset of the first record of that time or later; -1 if there is none."""
        self._ask()
        return [self._at_time(each) for each in places]

    def _at_time(self, place: TopicPartition) -> TopicPartition:
        records = [each for each in self._items[place.partition] if each and not each.error()]
        later = [each.offset() for each in records if each.timestamp()[1] >= place.offset]
        return TopicPartition(place.topic, place.partition, min(later, default=-1))

    # -- records -------------------------------------------------------------------------------

    def assign(self, places: list[TopicPartition]) -> None:
        """Starts to return the items."""
        [place] = places
        self.assigned.append((place.partition, place.offset))
        self._left = [
            each
            for each in self._items[place.partition]
            if each is None or each.error() is not None or each.offset() >= place.offset
        ]

    def poll(self, timeout: float) -> Item:
        """The next item; None also at the end."""
        return self._left.pop(0) if self._left else None

    def consume(self, most: int, timeout: float) -> list[Item]:
        """All remaining items in one call."""
        assert timeout == 0, "it must not wait for what is not there yet"
        there: list[Item] = []
        while self._left and self._left[0] is not None and len(there) < most:
            there.append(self._left.pop(0))
        return there

    def close(self) -> None:
        """Notes that the consumer is closed."""
        self.is_closed = True
