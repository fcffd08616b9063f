"""Which rows of a batch are new to the fold."""

import numpy as np
import pytest

from streams.folding.coverage import BatchIgnored, Coverage
from topics.control_records import SourceAdded, SourceTruncated
from topics.learning_batch import LearningBatch, SourcePartition, columns_of

OLD, NEW = b"o" * 16, b"n" * 16
SOURCE = SourcePartition(OLD, 0)


def a_batch(from_offset: int, to_offset: int, source: SourcePartition = SOURCE) -> LearningBatch:
    strings, columns = columns_of([], from_offset)
    return LearningBatch(source, from_offset, to_offset, strings, columns)


@pytest.fixture
def coverage() -> Coverage:
    seen = Coverage()
    seen.cover(a_batch(0, 9))
    return seen


def test_a_source_that_was_never_seen_begins_at_zero() -> None:
    assert Coverage().first_new(a_batch(0, 4)) == 0
    assert Coverage().first_new(a_batch(1, 4)) is BatchIgnored.AHEAD


def test_a_batch_that_begins_beyond_next_is_ignored_since_its_predecessor_is_missing(
    coverage: Coverage,
) -> None:
    assert coverage.first_new(a_batch(11, 20)) is BatchIgnored.AHEAD


def test_a_batch_that_ends_below_next_is_a_repetition(coverage: Coverage) -> None:
    assert coverage.first_new(a_batch(5, 9)) is BatchIgnored.REPEATED


def test_of_an_overlapping_batch_only_the_rows_from_next_on_are_new(coverage: Coverage) -> None:
    assert coverage.first_new(a_batch(5, 12)) == 10


def test_a_batch_without_rows_moves_the_coverage(coverage: Coverage) -> None:
    coverage.cover(a_batch(10, 19))
    assert coverage.next[SOURCE] == 20


def test_partitions_of_a_source_are_covered_apart(coverage: Coverage) -> None:
    assert coverage.first_new(a_batch(0, 4, SourcePartition(OLD, 1))) == 0


def test_a_topic_made_again_under_a_known_name_is_ignored_until_it_is_adopted() -> None:
    coverage = Coverage()
    coverage.add_source(SourceAdded(OLD, "listening-events"))
    coverage.add_source(SourceAdded(NEW, "listening-events"))
    again = a_batch(0, 4, SourcePartition(NEW, 0))
    assert coverage.first_new(again) is BatchIgnored.NOT_ADOPTED
    coverage.add_source(SourceAdded(NEW, "listening-events", adopted=True))
    assert coverage.first_new(again) == 0


def test_introducing_a_source_twice_changes_nothing() -> None:
    coverage = Coverage()
    for _ in range(2):
        coverage.add_source(SourceAdded(OLD, "listening-events"))
    assert coverage.is_adopted(OLD)
    assert coverage.topic_ids == {"listening-events": OLD}


def test_a_truncated_source_goes_on_at_its_start_and_says_how_much_was_missed(
    coverage: Coverage,
) -> None:
    assert coverage.truncate(SourceTruncated(OLD, 0, log_start=25)) == 15
    assert coverage.next[SOURCE] == 25


def test_a_truncation_below_next_misses_nothing(coverage: Coverage) -> None:
    assert coverage.truncate(SourceTruncated(OLD, 0, log_start=7)) == 0
    assert coverage.next[SOURCE] == 10


def test_row_offsets_are_those_of_the_source() -> None:
    batch = a_batch(5, 9)
    assert batch.offsets.dtype == np.int64
