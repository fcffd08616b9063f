"""What the log counts of each source partition, each offset once."""

from streams.folding.log_account import Counted, Hole, LogAccount
from tests.support.learning_log import SOURCE, a_batch, a_history
from topics.control_records import SourceAdded, SourceTruncated
from topics.learning_batch import LearningBatch, SourcePartition
from topics.learning_log import LogRecord

ADDED = SourceAdded(SOURCE.topic_id, "listening-events")
REMADE = SourceAdded(b"f" * 16, "listening-events", adopted=True)


def plays(first: int, last: int, **changes: object) -> LearningBatch:
    events = a_history(last + 1)[first:]
    return a_batch(*events, from_offset=first, to_offset=last, **changes)


def followed(*records: LogRecord) -> tuple[LogAccount, list[Counted | None]]:
    account = LogAccount()
    return account, [account.note(at, record) for at, record in enumerate(records)]


def test_a_batch_counts_from_the_first_offset_that_no_batch_before_covered() -> None:
    account, [_, first, overlapping, repeated] = followed(
        ADDED, plays(0, 9), plays(5, 14), plays(3, 9)
    )
    assert first is not None
    assert overlapping is not None
    assert (first.log_offset, first.source_name, first.first_new) == (1, "listening-events", 0)
    assert overlapping.first_new == 10
    assert repeated is None
    assert account.next == {SOURCE: 15}


def test_a_rejection_that_was_counted_before_is_not_counted_again() -> None:
    rejected = [(1, "malformed"), (3, "malformed")]
    _, [_, counted] = followed(plays(0, 1), a_batch(to_offset=3, rejected=rejected))
    assert counted is not None
    assert counted.rejected == [(3, "malformed")]


def test_a_batch_that_skips_offsets_is_a_hole_until_it_comes_again() -> None:
    account, [_, _, skipped] = followed(ADDED, plays(0, 4), plays(8, 9))
    assert skipped is None
    assert [*account.holes()] == [Hole(2, "listening-events", 0, 5, 9)]
    account.note(3, plays(5, 7))
    assert [*account.holes()] == [Hole(2, "listening-events", 0, 8, 9)]
    account.note(4, plays(8, 9))
    assert [*account.holes()] == []


def test_offsets_that_retention_took_are_no_hole() -> None:
    account, [*_, counted] = followed(ADDED, SourceTruncated(SOURCE.topic_id, 0, 50), plays(50, 59))
    assert counted is not None
    assert [*account.holes()] == []
    assert account.next == {SOURCE: 60}


def test_a_topic_that_another_succeeded_counts_no_longer() -> None:
    remade = SourcePartition(REMADE.topic_id, 0)
    account, [_, before, _, after, new] = followed(
        ADDED, plays(0, 4), REMADE, plays(5, 9), plays(0, 2, source=remade)
    )
    assert before is not None
    assert after is None
    assert new is not None
    assert account.next == {SOURCE: 5, remade: 3}
