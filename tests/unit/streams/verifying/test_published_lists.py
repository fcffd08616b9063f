"""What cannot be read is an error; it never looks like lists that are not there."""

import pytest

from streams.kafka import partition_reader
from streams.verifying.published_lists import committed_lists
from tests.support.kafka_consumer import AConsumer, a_record, an_end
from topics.errors import ServerError


def test_the_lists_of_all_partitions_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    items = {0: [a_record(0), a_record(4), an_end(6)], 1: [], 2: [a_record(1, 2), an_end(2, 2)]}
    consumer = AConsumer(items, {0: 6, 1: 0, 2: 2})
    monkeypatch.setattr(partition_reader, "Consumer", consumer.made_with)
    assert [(m.partition(), m.offset()) for m in committed_lists("")] == [(0, 0), (0, 4), (2, 1)]
    assert consumer.settings["isolation.level"] == "read_committed"


def test_a_broker_that_falls_silent_is_an_error_and_not_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silent = AConsumer({0: [], 1: []}, {0: 3, 1: 3})
    monkeypatch.setattr(partition_reader, "Consumer", silent.made_with)
    with pytest.raises(ServerError, match="recommendations/0/0 did not come"):
        next(committed_lists(""))
    assert silent.is_closed
