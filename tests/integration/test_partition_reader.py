"""Reading partitions of a real Kafka: transactions, ends, and going on."""

import uuid
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from streams.kafka.client_settings import client_settings
from streams.kafka.partition_reader import PartitionReader
from topics.errors import UnreadableError

WAIT_S = 30.0


@pytest.fixture
def topic(kafka: str) -> Iterator[str]:
    """A topic of two partitions that nobody else uses."""
    name = f"read-{uuid.uuid4().hex}"
    admin = AdminClient(client_settings(kafka))
    admin.create_topics([NewTopic(name, 2, 1)])[name].result(WAIT_S)
    yield name
    admin.delete_topics([name])[name].result(WAIT_S)


class Writer:
    """Writes transactions to partition 0."""

    def __init__(self, kafka: str, topic: str) -> None:
        self._topic = topic
        self._producer = Producer(client_settings(kafka) | {"transactional.id": f"t-{topic}"})
        self._producer.init_transactions(WAIT_S)

    def begin(self, *values: str) -> None:
        """Begins a transaction and writes its records."""
        self._producer.begin_transaction()
        for each in values:
            self._producer.produce(self._topic, each.encode(), partition=0)
        assert self._producer.flush(WAIT_S) == 0

    def commit(self) -> None:
        """Commits it."""
        self._producer.commit_transaction(WAIT_S)

    def abort(self) -> None:
        """Aborts it."""
        self._producer.abort_transaction(WAIT_S)


def values(reader: PartitionReader, first: int, end: int, partition: int = 0) -> list[str]:
    return [each.value().decode() for each in reader.read(partition, first, end)]


def test_only_committed_records_are_read_and_an_open_transaction_is_the_end(
    kafka: str, topic: str
) -> None:
    writer = Writer(kafka, topic)
    writer.begin("a", "b")
    writer.commit()  # with its marker: offsets 0 to 2
    writer.begin("lost")
    writer.abort()  # 3 and 4
    writer.begin("c")  # 5
    with PartitionReader(kafka, "a-reader", topic) as reader:
        assert reader.partitions() == [0, 1]
        assert reader.bounds(0) == (0, 5)
        assert values(reader, 0, 5) == ["a", "b"]
        assert values(reader, 0, 9) == ["a", "b"]
        assert values(reader, 0, 5, partition=1) == []
        writer.commit()
        assert values(reader, 5, reader.bounds(0).end) == ["c"]


def test_a_read_goes_on_where_the_one_before_ended(kafka: str, topic: str) -> None:
    writer = Writer(kafka, topic)
    writer.begin(*"abcde")
    writer.commit()
    with PartitionReader(kafka, "a-reader", topic) as reader:
        assert values(reader, 0, 2) == ["a", "b"]
        assert values(reader, 2, 9) == ["c", "d", "e"]
        assert values(reader, 6, 9) == []
        writer.begin("f")
        writer.commit()
        assert values(reader, 6, 8) == ["f"]
        assert reader.offset_at(0, 0) == 0
        assert reader.offset_at(1, 0) is None


def test_an_offset_that_a_partition_does_not_have_is_an_error(kafka: str, topic: str) -> None:
    with (
        PartitionReader(kafka, "a-reader", topic) as reader,
        pytest.raises(UnreadableError, match=f"{topic}/0/7 cannot be read"),
    ):
        values(reader, 7, 9)
