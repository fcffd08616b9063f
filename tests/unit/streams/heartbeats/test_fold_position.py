"""How far the folds have come, by the heartbeats of those that are alive."""

import pytest

from streams.heartbeats.fold_position import (
    FRESH_MS,
    FoldPosition,
    Generations,
    Heartbeat,
    fold_position,
)
from topics.learning_batch import SourcePartition
from topics.learning_progress import LearningProgress, SourcePosition

NEW, OLD = b"n" * 16, b"o" * 16
NOW_MS = 1_000_000


def a_place(next_offset: int, partition: int = 0, topic_id: bytes = NEW) -> SourcePosition:
    return SourcePosition(topic_id, "plays", True, partition, next_offset)


def a_heartbeat(
    as_of: int, *sources: SourcePosition, age_ms: int = 0, of: str = "first"
) -> Heartbeat:
    return NOW_MS - age_ms, LearningProgress("r", of, 0, as_of, sources)


def merged(*heartbeats: Heartbeat, stable: str = "", retired: str = "") -> FoldPosition:
    """Of as many recommenders."""
    generations = Generations(stable, frozenset(retired.split()))
    return fold_position({f"r{at}": each for at, each in enumerate(heartbeats)}, generations)


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


STABLE = a_heartbeat(9, a_place(40))
FAULTY = a_heartbeat(12, a_place(900), a_place(3, topic_id=OLD), of="second")
"""Of a candidate whose coverage is wrong: it says that it has what the log lost."""
SILENT = a_heartbeat(9, a_place(40), age_ms=FRESH_MS + 1)
"""Of the stable generation, which is no longer heard."""


def test_a_candidate_that_says_too_much_hides_nothing_that_the_stable_generation_misses() -> None:
    found = merged(STABLE, FAULTY, stable="first")
    assert found == FoldPosition(9, {SourcePartition(NEW, 0): 40}, {"plays": NEW})
    assert merged(FAULTY, STABLE, stable="first") == found


def test_a_generation_that_is_promoted_decides_from_then_on() -> None:
    assert merged(STABLE, FAULTY, stable="second").next[SourcePartition(NEW, 0)] == 900


@pytest.mark.parametrize("stable", ["", "third"])
def test_where_no_stable_generation_is_heard_the_least_of_all_positions_counts(stable: str) -> None:
    found = merged(STABLE, FAULTY, stable=stable)
    assert found == FoldPosition(9, {SourcePartition(NEW, 0): 40}, {"plays": NEW})


def test_a_generation_that_has_folded_nothing_yet_says_nothing() -> None:
    assert merged(STABLE, a_heartbeat(-1, of="second")) == merged(STABLE)


def test_while_the_stable_one_is_silent_whoever_still_catches_up_sends_nothing_again() -> None:
    behind, level = a_heartbeat(3, a_place(5), of="third"), a_heartbeat(9, a_place(39), of="second")
    found = merged(SILENT, behind, level, stable="first")
    assert found == FoldPosition(9, {SourcePartition(NEW, 0): 39}, {"plays": NEW})
    alone = merged(SILENT, behind, stable="first")
    assert (alone.is_known, alone.topic_ids) == (False, {"plays": NEW})


def test_a_heartbeat_of_a_retired_generation_counts_for_nothing() -> None:
    late = a_heartbeat(99, a_place(900), age_ms=-10 * FRESH_MS, of="gone")
    for stable in ("", "first"):
        assert merged(STABLE, late, stable=stable, retired="gone") == merged(STABLE)
