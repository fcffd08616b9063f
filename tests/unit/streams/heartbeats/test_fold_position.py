"""How far the folds have come, by the heartbeats of those that are alive."""

import pytest

from streams.heartbeats.fold_position import FRESH_MS, FoldPosition, fold_position
from topics.learning_batch import SourcePartition
from topics.learning_progress import LearningProgress, SourcePosition

NEW, OLD = b"n" * 16, b"o" * 16
NOW_MS = 1_000_000


def a_place(next_offset: int, partition: int = 0, topic_id: bytes = NEW) -> SourcePosition:
    return SourcePosition(topic_id, "plays", True, partition, next_offset)


def a_heartbeat(
    as_of: int, *sources: SourcePosition, age_ms: int = 0
) -> tuple[int, LearningProgress]:
    return NOW_MS - age_ms, LearningProgress("r", "first", 0, as_of, sources)


def merged(*heartbeats: tuple[int, LearningProgress]) -> FoldPosition:
    """Of as many recommenders."""
    return fold_position({f"r{at}": each for at, each in enumerate(heartbeats)})


def test_without_any_heartbeat_nothing_is_known() -> None:
    assert merged() == FoldPosition()
    assert not merged().is_known


def test_a_fold_that_has_folded_nothing_is_not_known() -> None:
    assert not merged(a_heartbeat(-1)).is_known
    assert merged(a_heartbeat(0)).is_known


def test_of_several_folds_the_furthest_counts_in_each_partition() -> None:
    one = a_heartbeat(9, a_place(40), a_place(5, partition=1))
    other = a_heartbeat(7, a_place(30), a_place(6, partition=1))
    expected = {SourcePartition(NEW, 0): 40, SourcePartition(NEW, 1): 6}
    assert merged(one, other) == merged(other, one) == FoldPosition(9, expected, {"plays": NEW})


@pytest.mark.parametrize(("age_ms", "as_of"), [(FRESH_MS, 9), (FRESH_MS + 1, 7)])
def test_a_recommender_that_fell_silent_long_before_the_newest_heartbeat_does_not_count(
    age_ms: int, as_of: int
) -> None:
    assert merged(a_heartbeat(9, age_ms=age_ms), a_heartbeat(7)).as_of == as_of


def test_who_is_furthest_says_which_topic_a_source_is() -> None:
    behind, ahead = a_heartbeat(5, a_place(1, topic_id=OLD)), a_heartbeat(6, a_place(1))
    assert merged(behind, ahead).topic_ids == merged(ahead, behind).topic_ids == {"plays": NEW}


def test_a_topic_that_was_not_adopted_is_not_the_sources() -> None:
    seen = SourcePosition(OLD, "plays", False, 0, 3)
    assert merged(a_heartbeat(5, seen)).topic_ids == {}
    assert merged(a_heartbeat(5, seen)).next == {SourcePartition(OLD, 0): 3}


def test_a_source_that_was_introduced_and_has_no_rows_yet_has_no_position() -> None:
    found = merged(a_heartbeat(5, a_place(0, partition=-1)))
    assert (found.next, found.topic_ids) == ({}, {"plays": NEW})
