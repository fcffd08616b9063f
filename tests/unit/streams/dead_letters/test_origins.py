"""What was sent to its topic again says so itself."""

import pytest

from streams.dead_letters.origins import ORIGIN_HEADER, sent_origins
from streams.kafka import partition_reader
from tests.support.kafka_consumer import AConsumer, a_record, an_end


def test_what_was_sent_again_since_then_is_found_in_every_partition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def again(offset: int, partition: int, origin: bytes) -> object:
        return a_record(offset, partition, headers=[(ORIGIN_HEADER, origin)])

    items = {
        0: [
            again(0, 0, b"listening-events/0/7"),
            a_record(5),
            again(6, 0, b"listening-events/1/8"),
        ],
        1: [again(6, 1, b"listening-events/0/9"), an_end(8, 1)],
        2: [again(2, 2, b"listening-events/0/4")],
        3: [again(9, 3, b"not an origin")],
    }
    consumer = AConsumer(items, {0: 7, 1: 8, 2: 3, 3: 10})
    monkeypatch.setattr(partition_reader, "Consumer", consumer.made_with)
    found = {*sent_origins("kafka", since_ms=5)}
    assert found == {("listening-events", 1, 8), ("listening-events", 0, 9)}
    assert consumer.is_closed
