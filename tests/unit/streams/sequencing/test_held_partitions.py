"""Which partitions are held, until when, and in which order their chunks go on."""

from collections.abc import Callable
from typing import Any

import pytest

from streams.sequencing.circuit_breaker import PAUSE_FIRST_S
from streams.sequencing.held_partitions import HeldPartitions, Hold
from streams.sequencing.start_positions import TopicPartition

TP0, TP1 = TopicPartition("listening-events", 0), TopicPartition("listening-events", 1)

Make = Callable[[HeldPartitions], Hold]


def paused(held: HeldPartitions) -> Hold:
    """Held at time 0 by too many bad records."""
    hold = held.note(TP0, 0.0, 100, 50)
    assert hold is not None
    return hold


def fetching(held: HeldPartitions) -> Hold:
    """Held by a chunk, `first`, whose schema is not fetched yet."""
    return held.wait_for_schema(TP0, "first")


def taken(held: HeldPartitions, hold: Hold, now_s: float) -> list[Any]:
    """Every chunk that may go on."""
    return [*iter(lambda: held.next_chunk(hold, now_s), None)]


def test_a_partition_without_a_reason_is_not_held_and_keeps_no_chunk() -> None:
    held = HeldPartitions()
    assert held.note(TP0, 0.0, 100, 0) is None
    assert not held.add(TP0, "a chunk")
    assert not held.is_held(TP0)


@pytest.mark.parametrize(
    ("make", "now_s", "resumes_in_s", "chunks"),
    [
        (paused, 0.0, PAUSE_FIRST_S, []),
        (paused, PAUSE_FIRST_S - 1, 1.0, []),
        (paused, PAUSE_FIRST_S, 0.0, ["a", "b"]),
        (fetching, 0.0, None, []),
        (fetching, 1_000.0, None, []),
    ],
)
def test_a_held_partition_goes_on_in_order_once_nothing_is_waited_for(
    make: Make, now_s: float, resumes_in_s: float | None, chunks: list[str]
) -> None:
    held = HeldPartitions()
    hold = make(held)
    assert held.add(TP0, "a")
    assert held.add(TP0, "b")
    assert held.resumes_in_s(hold, now_s) == resumes_in_s
    assert taken(held, hold, now_s) == chunks
    assert held.is_held(TP0) == (not chunks)


def test_a_chunk_whose_schema_was_fetched_goes_before_those_that_came_later() -> None:
    held = HeldPartitions()
    hold = fetching(held)
    held.add(TP0, "second")
    hold.needs_schema = False
    assert taken(held, hold, 0.0) == ["first", "second"]
    assert not held.is_held(TP0)


def test_while_chunks_are_worked_off_those_that_come_wait_behind_them() -> None:
    held = HeldPartitions()
    hold = paused(held)
    held.add(TP0, "a")
    assert held.next_chunk(hold, PAUSE_FIRST_S) == "a"
    assert held.add(TP0, "b")
    assert taken(held, hold, PAUSE_FIRST_S) == ["b"]


def test_a_chunk_that_is_bad_again_pauses_the_rest_for_twice_as_long() -> None:
    held = HeldPartitions()
    hold = paused(held)
    held.add(TP0, "a")
    held.add(TP0, "b")
    assert held.next_chunk(hold, PAUSE_FIRST_S) == "a"
    assert held.note(TP0, PAUSE_FIRST_S, 100, 50) is hold
    assert held.next_chunk(hold, PAUSE_FIRST_S) is None
    assert held.resumes_in_s(hold, PAUSE_FIRST_S) == 2 * PAUSE_FIRST_S
    assert taken(held, hold, 3 * PAUSE_FIRST_S) == ["b"]


def test_a_chunk_that_needs_a_schema_while_chunks_are_worked_off_stays_the_first() -> None:
    held = HeldPartitions()
    hold = paused(held)
    held.add(TP0, "a")
    held.add(TP0, "b")
    assert held.wait_for_schema(TP0, held.next_chunk(hold, PAUSE_FIRST_S)) is hold
    assert held.next_chunk(hold, PAUSE_FIRST_S) is None
    hold.needs_schema = False
    assert taken(held, hold, PAUSE_FIRST_S) == ["a", "b"]


def test_a_partition_that_pauses_and_needs_a_schema_waits_for_both() -> None:
    held = HeldPartitions()
    hold = fetching(held)
    assert paused(held) is hold
    assert held.next_chunk(hold, PAUSE_FIRST_S) is None
    hold.needs_schema = False
    assert held.next_chunk(hold, PAUSE_FIRST_S - 1) is None
    assert taken(held, hold, PAUSE_FIRST_S) == ["first"]


@pytest.mark.parametrize("make", [paused, fetching])
def test_the_end_of_an_assignment_ends_its_holds_for_good(make: Make) -> None:
    held = HeldPartitions()
    former = make(held)
    assert held.end_all() == [TP0]
    assert held.end_all() == []
    later = held.wait_for_schema(TP0, "of the next assignment")
    former.needs_schema = later.needs_schema = False
    assert held.resumes_in_s(former, 1_000.0) is None
    assert held.next_chunk(former, 1_000.0) is None
    assert taken(held, later, 1_000.0) == ["of the next assignment"]


def test_a_circuit_breaker_stays_open_over_assignments() -> None:
    held = HeldPartitions()
    paused(held)
    held.end_all()
    assert held.pause_left_s(TP0, 1.0) == PAUSE_FIRST_S - 1
    assert held.note(TP0, 1.0, 100, 0) is None  # what is good again closes it


def test_partitions_are_held_each_for_itself() -> None:
    held = HeldPartitions()
    paused(held)
    assert not held.is_held(TP1)
    assert not held.add(TP1, "a chunk")
    assert held.pause_left_s(TP1, 0.0) == 0.0
