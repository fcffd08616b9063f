"""The source is read as far as it goes; what Kafka does not send is not taken for missing."""

from typing import Any

import pytest

from streams.kafka import partition_reader
from streams.verifying.source_reader import SourceRecords
from tests.support.kafka_consumer import AConsumer, a_record, an_end
from topics.errors import ServerError


def records(monkeypatch: pytest.MonkeyPatch, *sent: Any, end: int) -> SourceRecords:
    consumer = AConsumer({0: sent}, {0: end})
    monkeypatch.setattr(partition_reader, "Consumer", consumer.made_with)
    return SourceRecords("", 0)


def test_a_source_that_lost_its_tail_is_read_as_far_as_it_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = records(monkeypatch, *map(a_record, range(3)), an_end(3), end=3)
    assert [each.offset for each in source.between(0, 4)] == [0, 1, 2]
    assert source.between(5, 9) == []


def test_an_end_that_was_told_before_more_came_is_not_thean_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent = [a_record(0), an_end(1), a_record(1), a_record(2), an_end(3)]
    source = records(monkeypatch, *sent, end=3)
    assert [each.offset for each in source.between(0, 1)] == [0, 1]
    assert [each.offset for each in source.between(1, 2)] == [1, 2]


def test_the_marker_of_a_transaction_is_no_record_and_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = records(monkeypatch, a_record(0), an_end(2), end=2)
    assert [each.offset for each in source.between(0, 1)] == [0]


def test_a_broker_that_falls_silent_is_an_error_and_not_thean_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = records(monkeypatch, *map(a_record, range(3)), end=9)
    with pytest.raises(ServerError):
        source.between(0, 8)
