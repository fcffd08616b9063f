"""Dead letters for people: the newest ones, without holding all of them."""

import tracemalloc
from collections.abc import Iterator

import pytest

from streams.dead_letters.dead_letter_reader import DeadLetter, each_letter, newest_of
from streams.kafka import partition_reader
from tests.support.kafka_consumer import AConsumer, a_record, an_end
from topics.errors import ServerError


def letters(times: list[int], bytes_each: int = 0) -> Iterator[DeadLetter]:
    return (
        DeadLetter({"at": str(at)}, bytes(bytes_each + at), when) for at, when in enumerate(times)
    )


def test_the_newest_are_shown_oldest_first_and_of_one_moment_in_the_order_they_were_written() -> (
    None
):
    found = newest_of(letters([5, 9, 1, 9, 7, 9]), 3)
    assert [(each.rejected_at, each.headers["at"]) for each in found] == [
        (9, "1"),
        (9, "3"),
        (9, "5"),
    ]
    assert [each.rejected_at for each in newest_of(letters([3, 1, 2]), 5)] == [1, 2, 3]


def test_only_what_is_shown_is_held() -> None:
    tracemalloc.start()
    try:
        assert len(newest_of(letters([*range(500)], bytes_each=100_000), 10)) == 10
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 3_000_000


def test_the_newest_of_each_partition_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = [("reason", b"malformed"), ("origin_topic", None)]
    items = {
        at: [*(a_record(offset, at, headers=headers) for offset in range(4)), an_end(4, at)]
        for at in (0, 1)
    }
    consumer = AConsumer(items, {0: 4, 1: 4})
    monkeypatch.setattr(partition_reader, "Consumer", consumer.made_with)
    found = [*each_letter("kafka", 2)]
    assert [each.value for each in found] == [b"2", b"3"] * 2
    assert found[0].headers == {"reason": "malformed", "origin_topic": ""}
    assert consumer.is_closed


def test_a_broker_that_falls_silent_is_an_error_and_not_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    consumer = AConsumer({0: [a_record(7)]}, {0: 9})
    monkeypatch.setattr(partition_reader, "Consumer", consumer.made_with)
    with pytest.raises(ServerError, match=r"dead-letters/0/8 did not come"):
        list(each_letter("kafka", 2))
    assert consumer.is_closed
