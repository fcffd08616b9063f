"""The source is read as far as it goes; what Kafka does not send is not taken for missing."""

from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.verifying import source_reader
from streams.verifying.source_reader import SourceRecords


class APartition:
    """A consumer of a partition that ends at `end`, of which the records `sent` come."""

    def __init__(self, end: int, sent: list[Any]) -> None:
        self._end = end
        self._messages = sent

    def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> tuple[int, int]:
        return 0, self._end

    def assign(self, places: list[TopicPartition]) -> None:
        return

    def poll(self, timeout: float) -> Any | None:
        return self._messages.pop(0) if self._messages else None

    def consume(self, most: int, timeout: float) -> list[Any]:
        messages, self._messages = self._messages, []
        return messages


def _message(offset: int, error: KafkaError | None = None) -> SimpleNamespace:
    return SimpleNamespace(
        error=lambda: error,
        offset=lambda: offset,
        timestamp=lambda: (1, 0),
        key=lambda: b"ann",
        value=lambda: b"",
    )


def _end(offset: int) -> SimpleNamespace:
    return _message(offset, KafkaError(KafkaError._PARTITION_EOF))


def records(monkeypatch: pytest.MonkeyPatch, *sent: Any, end: int) -> SourceRecords:
    monkeypatch.setattr(source_reader, "Consumer", lambda _: APartition(end, [*sent]))
    return SourceRecords("", 0)


def test_a_source_that_lost_its_tail_is_read_as_far_as_it_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = records(monkeypatch, *map(_message, range(3)), _end(3), end=3)
    assert [each.offset for each in source.between(0, 4)] == [0, 1, 2]
    assert source.between(5, 9) == []


def test_an_end_that_was_told_before_more_came_is_not_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent = [_message(0), _end(1), _message(1), _message(2), _end(3)]
    source = records(monkeypatch, *sent, end=3)
    assert [each.offset for each in source.between(0, 1)] == [0, 1]
    assert [each.offset for each in source.between(1, 2)] == [1, 2]


def test_the_marker_of_a_transaction_is_no_record_and_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = records(monkeypatch, _message(0), _end(2), end=2)
    assert [each.offset for each in source.between(0, 1)] == [0]


def test_a_broker_that_falls_silent_is_an_error_and_not_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = records(monkeypatch, *map(_message, range(3)), end=9)
    with pytest.raises(KafkaException):
        source.between(0, 8)
