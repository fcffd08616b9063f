"""The source is read as far as it goes; what Kafka does not send is not taken for missing."""

from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.verifying import source_reading
from streams.verifying.source_reading import SourceRecords


class APartition:
    """A consumer of a partition that ends at `end`, of which `sent` records come."""

    def __init__(self, end: int, sent: int) -> None:
        self._end = end
        self._messages: list[Any] = [_message(at) for at in range(sent)]
        if sent == end:
            self._messages.append(_message(end, KafkaError(KafkaError._PARTITION_EOF)))

    def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> tuple[int, int]:
        return 0, self._end

    def assign(self, places: list[TopicPartition]) -> None:
        return

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


def records(monkeypatch: pytest.MonkeyPatch, *, end: int, sent: int) -> SourceRecords:
    monkeypatch.setattr(source_reading, "Consumer", lambda _: APartition(end, sent))
    return SourceRecords("", 0)


def test_a_source_that_lost_its_tail_is_read_as_far_as_it_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = records(monkeypatch, end=3, sent=3)
    assert [each.offset for each in source.between(0, 4)] == [0, 1, 2]
    assert source.between(5, 9) == []


def test_a_broker_that_falls_silent_is_an_error_and_not_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = records(monkeypatch, end=9, sent=3)
    with pytest.raises(KafkaException):
        source.between(0, 8)
