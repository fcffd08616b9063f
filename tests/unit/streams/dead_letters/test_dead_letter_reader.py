"""Dead letters for people: the newest ones, without holding all of them."""

import tracemalloc
from collections.abc import Iterator
from typing import cast

import pytest
from confluent_kafka import Consumer, TopicPartition

from streams.dead_letters.dead_letter_reader import DeadLetter, _read, newest_of
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


class SilentConsumer:
    """Of a broker that stopped answering."""

    def assign(self, places: list[TopicPartition]) -> None:
        return

    def poll(self, seconds: float) -> None:
        return


def test_a_broker_that_falls_silent_is_an_error_and_not_the_end() -> None:
    place = TopicPartition("dead-letters", 0, 7)
    with pytest.raises(ServerError, match=r"does not send the dead letter dead-letters/0/7"):
        next(_read(cast(Consumer, SilentConsumer()), place, 9))
