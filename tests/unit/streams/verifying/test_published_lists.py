"""What cannot be read is an error; it never looks like lists that are not there."""

from typing import Any

import pytest

from streams.kafka import partition_reader
from streams.verifying.published_lists import committed_lists, lists_in_topic
from tests.support.kafka_consumer import AConsumer, a_record, an_end
from topics.errors import ServerError
from topics.recommendation_list import RecommendationList


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


def a_list(generation: str, as_of: int = 5) -> bytes:
    return RecommendationList("ann", generation, 0, as_of, 0, [("t1", 1.0, "own")]).encoded()


@pytest.mark.parametrize(
    ("items", "own", "others"),
    [
        ({0: [("first", 5)], 1: [None]}, [5], []),
        ({0: [("first", 5), None], 1: [None]}, [], []),
        ({0: [("first", 5), ("second", 5)], 1: [None]}, [], ["second"]),
        ({0: [("first", 7)], 1: [("first", 5)]}, [7], []),
        ({0: [("second", 5)], 1: [("first", 7)]}, [7], []),
    ],
    ids=["back again", "removed", "overwritten", "of a former partition", "of both"],
)
def test_a_removal_counts_in_the_partition_that_it_is_in(
    monkeypatch: pytest.MonkeyPatch, items: Any, own: list[int], others: list[str]
) -> None:
    records = {
        partition: [
            *(
                a_record(at, partition, value=None if each is None else a_list(*each))
                for at, each in enumerate(found)
            ),
            an_end(len(found), partition),
        ]
        for partition, found in items.items()
    }
    consumer = AConsumer(records, {at: len(found) for at, found in items.items()})
    monkeypatch.setattr(partition_reader, "Consumer", consumer.made_with)
    found = lists_in_topic("", "first")
    assert [each.as_of for each in found.own.values()] == own
    assert [*found.others.values()] == others
