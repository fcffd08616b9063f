"""Records come one by one to an end, which neither silence nor a failure nor an election is."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException

from streams.kafka import partition_reader, retries
from streams.kafka.partition_reader import PartitionReader, SilentError, is_end, messages
from streams.kafka.topic_facts import Bounds
from tests.support.kafka_consumer import AConsumer, a_failure, a_record, an_end
from topics.errors import ServerError, UnreadableError


class Text(str):
    """A message that is no error."""

    def error(self) -> None:
        return


class Arrivals:
    """Hands out what is there by then: an item of `batches` with each wait, None after nothing."""

    def __init__(self, *batches: list[str] | None) -> None:
        self._batches = [*batches]
        self._there: list[str] = []
        self.waited_s = 0.0

    def poll(self, timeout: float) -> str | None:
        self._there += map(Text, (self._batches.pop(0) if self._batches else None) or [])
        if not self._there:
            self.waited_s += timeout
            return None
        return self._there.pop(0)

    def consume(self, most: int, timeout: float) -> list[str]:
        assert timeout == 0, "nobody waits for what is not there yet"
        there, self._there = self._there[:most], self._there[most:]
        return there


def read(consumer: Arrivals) -> tuple[list[Any], float]:
    """What comes before it is silent, and how long that takes to notice."""
    found: list[Any] = []
    with pytest.raises(SilentError):
        found.extend(messages(cast(Consumer, consumer)))
    return found, consumer.waited_s


def a_message(code: int | None) -> Any:
    error = None if code is None else KafkaError(code)
    return SimpleNamespace(error=lambda: error)


def test_all_that_comes_is_handed_on_in_order_until_nothing_comes_for_long() -> None:
    many = [f"b{at}" for at in range(1_200)]
    found, waited_s = read(Arrivals(["a"], many, ["c"]))
    assert found == ["a", *many, "c"]
    assert waited_s == pytest.approx(10.0, abs=0.3)


def test_what_comes_late_is_no_silence() -> None:
    late: list[list[str] | None] = [None] * 40
    found, waited_s = read(Arrivals(["a"], *late, ["b"], *late, ["c"]))
    assert found == ["a", "b", "c"]
    assert waited_s == pytest.approx(26.0, abs=0.3)


def test_an_end_is_no_failure_and_a_failure_no_end() -> None:
    assert not is_end(a_message(None))
    assert is_end(a_message(KafkaError._PARTITION_EOF))
    with pytest.raises(KafkaException):
        is_end(a_message(KafkaError._ALL_BROKERS_DOWN))


@pytest.fixture(autouse=True)
def no_real_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asks again at once."""
    monkeypatch.setattr(retries, "RETRY_S", 0.0)


@pytest.fixture
def reader_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[AConsumer], PartitionReader]:
    """Makes a reader whose consumer is the given one."""

    def made(topic: AConsumer) -> PartitionReader:
        monkeypatch.setattr(partition_reader, "Consumer", topic.made_with)
        return PartitionReader("kafka", "a-group", "a-topic")

    return made


ReaderOf = Callable[[AConsumer], PartitionReader]


def offsets(reader: PartitionReader, first: int, end: int, partition: int = 0) -> list[int]:
    return [each.offset() for each in reader.read(partition, first, end)]


@pytest.mark.parametrize(
    ("items", "ends_at", "asked", "found"),
    [
        pytest.param([*map(a_record, range(6))], 6, (2, 5), [2, 3, 4], id="from first to end"),
        pytest.param([*map(a_record, range(6))], 6, (4, 4), [], id="nothing is asked for"),
        pytest.param([a_record(0), a_record(7)], 8, (0, 5), [0], id="compaction left a gap"),
        pytest.param([a_record(0), an_end(2)], 2, (0, 2), [0], id="a transaction's marker is last"),
        pytest.param([a_record(0), an_end(1)], 1, (0, 9), [0], id="the partition ends before"),
        pytest.param(
            [a_record(0), an_end(1), None, a_record(1), an_end(2)],
            2,
            (0, 2),
            [0, 1],
            id="an end was said before more came",
        ),
        pytest.param(
            [a_record(0), a_failure(KafkaError.LEADER_NOT_AVAILABLE), None, a_record(1)],
            2,
            (0, 2),
            [0, 1],
            id="a leader was elected meanwhile",
        ),
        pytest.param(
            [a_record(0), a_failure(KafkaError.NOT_LEADER_FOR_PARTITION), a_record(1), a_record(2)],
            3,
            (0, 3),
            [0, 1, 2],
            id="an election among what came at once",
        ),
    ],
)
def test_records_are_read_to_an_end(
    items: list[Any],
    ends_at: int,
    asked: tuple[int, int],
    found: list[int],
    reader_of: ReaderOf,
) -> None:
    assert offsets(reader_of(AConsumer({0: items}, {0: ends_at})), *asked) == found


def test_a_read_goes_on_where_the_one_before_ended_and_loses_nothing(reader_of: ReaderOf) -> None:
    records = [a_record(0), a_record(1), a_record(7), a_record(8), an_end(10)]
    topic = AConsumer({0: records}, {0: 10})
    reader = reader_of(topic)
    assert [offsets(reader, 0, 3), offsets(reader, 2, 8), offsets(reader, 8, 10)] == [
        [0, 1],
        [7],
        [8],
    ]
    assert topic.assigned == [(0, 0)], "fetched once"
    assert offsets(reader, 10, 12) == [], "the end was said already, and is not waited for"


def test_another_partition_or_an_earlier_offset_is_fetched_from_there(reader_of: ReaderOf) -> None:
    topic = AConsumer({at: [a_record(offset, at) for offset in range(4)] for at in (0, 1)})
    reader = reader_of(topic)
    assert offsets(reader, 2, 4) == [2, 3]
    assert offsets(reader, 1, 3, partition=1) == [1, 2]
    assert offsets(reader, 0, 2) == [0, 1]
    assert topic.assigned == [(0, 2), (1, 1), (0, 0)]


def test_what_retention_took_may_be_skipped_and_what_was_read_never_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topic = AConsumer({0: [a_record(5), a_record(6), a_record(5), a_record(7)]})
    monkeypatch.setattr(partition_reader, "Consumer", topic.made_with)
    with PartitionReader("kafka", "a-group", "a-topic", skips_deleted=True) as reader:
        assert offsets(reader, 0, 8) == [5, 6, 7]
    assert topic.settings["auto.offset.reset"] == "earliest"
    assert topic.is_closed


def test_only_what_was_committed_is_read_and_no_offset_is_chosen_by_kafka(
    reader_of: ReaderOf,
) -> None:
    topic = AConsumer({})
    reader_of(topic)
    assert topic.settings["isolation.level"] == "read_committed"
    assert topic.settings["auto.offset.reset"] == "error"


def test_a_broker_that_falls_silent_is_an_error_and_not_the_end(reader_of: ReaderOf) -> None:
    reader = reader_of(AConsumer({0: [a_record(0)]}, {0: 9}))
    with pytest.raises(ServerError, match=r"a-topic/0/1 did not come from kafka in 10 s") as caught:
        offsets(reader, 0, 9)
    assert not isinstance(caught.value, UnreadableError)


def test_after_a_silence_the_same_reader_reads_on(reader_of: ReaderOf) -> None:
    items = [a_record(0)]
    reader = reader_of(AConsumer({0: items}, {0: 9}))
    for _ in range(2):
        with pytest.raises(ServerError, match="a-topic/0/1 did not come"):
            offsets(reader, 1, 2)
    items.append(a_record(1))
    assert offsets(reader, 1, 2) == [1]


def test_an_election_that_never_ends_is_silence(reader_of: ReaderOf) -> None:
    electing = [a_failure(KafkaError.NOT_LEADER_FOR_PARTITION)] * 1_000
    with pytest.raises(ServerError, match="did not come"):
        offsets(reader_of(AConsumer({0: electing}, {0: 9})), 0, 9)


def test_an_offset_that_kafka_does_not_have_is_an_error_that_no_waiting_mends(
    reader_of: ReaderOf,
) -> None:
    reader = reader_of(AConsumer({0: [a_failure(KafkaError._AUTO_OFFSET_RESET)]}, {0: 9}))
    with pytest.raises(UnreadableError, match="a-topic/0/3 cannot be read"):
        offsets(reader, 3, 9)


# -- facts -----------------------------------------------------------------------------------------

ELECTING = [KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE]


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        pytest.param(lambda reader: reader.bounds(1), Bounds(0, 4), id="bounds"),
        pytest.param(lambda reader: reader.partitions(), [0, 1], id="partitions"),
        pytest.param(lambda reader: reader.offset_at(1, 2), 3, id="offset at a time"),
        pytest.param(lambda reader: reader.offset_at(1, 9), None, id="no offset at a time"),
    ],
)
def test_facts_of_a_broker_that_elects_are_waited_for(
    ask: Callable[[PartitionReader], Any], answer: Any, reader_of: ReaderOf
) -> None:
    topic = AConsumer({1: [a_record(3, 1)], 0: []}, {1: 4}, failures=ELECTING)
    assert ask(reader_of(topic)) == answer
    assert topic.asked == 3


def test_facts_of_a_broker_that_is_away_are_an_error_with_a_remedy(reader_of: ReaderOf) -> None:
    topic = AConsumer({0: []}, {0: 4}, failures=[KafkaError._TRANSPORT])
    with pytest.raises(ServerError, match=r"a-topic cannot be inspected on kafka") as caught:
        reader_of(topic).bounds(0)
    assert "Is Kafka up" in caught.value.remedy
    assert topic.asked == 1


def test_a_topic_that_is_not_there_has_no_partitions(reader_of: ReaderOf) -> None:
    topic = AConsumer({0: []}, failures=[KafkaError.UNKNOWN_TOPIC_OR_PART])
    assert reader_of(topic).partitions() == []
