"""Which chunks are in flight, in which order they are acknowledged, and whether there is room."""

from typing import NamedTuple

import pytest

from streams.kafka.backpressure import ChunksInFlight


class Chunk(NamedTuple):
    """The records of a partition up to `offset`."""

    tp: str
    offset: int


def in_flight(*chunks: Chunk) -> ChunksInFlight:
    them = ChunksInFlight()
    for each in chunks:
        them.add(each)
    return them


FIRST, SECOND, OTHER = Chunk("a", 4), Chunk("a", 9), Chunk("b", 7)


@pytest.mark.parametrize(
    ("acknowledged", "uncommitted"),
    [
        ([], {}),
        ([FIRST], {"a": 5}),
        ([FIRST, SECOND], {"a": 10}),
        ([OTHER], {"b": 8}),
        ([OTHER, FIRST], {"a": 5, "b": 8}),
    ],
)
def test_what_is_acknowledged_is_to_be_committed(
    acknowledged: list[Chunk], uncommitted: dict[str, int]
) -> None:
    them = in_flight(FIRST, SECOND, OTHER)
    assert all(them.acknowledge(each) for each in acknowledged)
    assert them.uncommitted(["a", "b"], {}) == uncommitted
    assert len(them) == 3 - len(acknowledged)


def test_a_chunk_that_overtakes_another_of_its_partition_is_an_error() -> None:
    them = in_flight(FIRST, SECOND)
    with pytest.raises(RuntimeError, match="overtook"):
        them.acknowledge(SECOND)
    assert them.uncommitted(["a"], {}) == {}


@pytest.mark.parametrize("committed", [None, 4, 5])
def test_what_is_committed_already_is_not_committed_again(committed: int | None) -> None:
    them = in_flight(FIRST)
    them.acknowledge(FIRST)
    assert them.uncommitted(["a"], {"a": committed}) == ({} if committed == 5 else {"a": 5})


def test_a_partition_that_is_no_longer_assigned_is_not_committed() -> None:
    them = in_flight(FIRST, OTHER)
    them.acknowledge(FIRST)
    them.acknowledge(OTHER)
    assert them.uncommitted(["b"], {}) == {"b": 8}


def test_a_dropped_chunk_acknowledges_nothing() -> None:
    them = in_flight(FIRST)
    them.drop()
    assert not them.is_current(FIRST)
    assert not them.acknowledge(FIRST)
    assert them.uncommitted(["a"], {}) == {}


def test_the_same_records_fetched_again_are_another_chunk() -> None:
    them = in_flight(FIRST)
    them.drop()
    again = Chunk(*FIRST)
    them.add(again)
    assert not them.acknowledge(FIRST)
    assert them.acknowledge(again)


@pytest.mark.parametrize(
    ("held", "most", "has_capacity"),
    [((), 4, True), ((), 3, False), (("a",), 2, True), (("a",), 1, False), (("a", "b"), 1, True)],
)
def test_chunks_of_a_held_partition_take_no_room(
    held: tuple[str, ...], most: int, has_capacity: bool
) -> None:
    them = in_flight(FIRST, SECOND, OTHER)
    for tp in held:
        them.pause(tp)
    assert them.has_capacity(most) == has_capacity
    assert them.paused == set(held)


def test_a_released_partition_is_fetched_again() -> None:
    them = in_flight(FIRST)
    them.pause("a")
    them.resume("a")
    assert them.paused == set()
    assert not them.has_capacity(1)


def test_new_positions_forget_what_was_acknowledged_and_holds_of_partitions_that_are_gone() -> None:
    them = in_flight(FIRST)
    them.acknowledge(FIRST)
    them.pause("a")
    them.pause("b")
    them.begin(["a"])
    assert them.paused == {"a"}
    assert them.uncommitted(["a"], {}) == {}
