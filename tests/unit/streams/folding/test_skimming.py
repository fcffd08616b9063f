"""What precedes `learn_from` is covered and erased as ever, and nothing of it is learnt."""

from streams.folding.fold import Fold
from streams.folding.fold_state import Count
from tests.support.learning_log import (
    SOURCE,
    a_batch,
    a_fold,
    a_history,
    an_event,
    batches,
    folded,
)
from topics.control_records import LogEpochStarted, SourceAdded, SourceTruncated
from topics.learning_log import LogRecord

EVENTS, SIZE = 60, 10
A_LOG: list[LogRecord] = [
    SourceAdded(SOURCE.topic_id, "listening-events"),
    *batches(a_history(EVENTS), SIZE),
]


def learnt_from(offset: int, records: list[LogRecord] = A_LOG) -> Fold:
    return folded(a_fold(learn_from=offset), records)


def learnt_alone(skimmed: Fold, records: list[LogRecord]) -> Fold:
    """A fold that learns `records`, and has of what precedes them no more than the coverage."""
    fold = a_fold()
    fold.offset, fold.coverage, fold.erasures = skimmed.offset, skimmed.coverage, skimmed.erasures
    return folded(fold, records)


def test_without_an_offset_to_learn_from_nothing_is_skimmed() -> None:
    assert learnt_from(0).digest() == folded(a_fold(), A_LOG).digest()
    assert Count.SKIMMED not in learnt_from(0).counts


def test_rows_before_the_offset_are_counted_and_no_listener_gets_a_code() -> None:
    fold = learnt_from(3, A_LOG[:3])
    assert fold.counts[Count.SKIMMED] == 2 * SIZE
    assert fold.applied == len(fold.listeners) == len(fold.ranker.items) == 0


def test_batches_before_the_offset_are_covered_so_that_those_after_it_are_no_gap() -> None:
    fold = learnt_from(3)
    assert fold.counts[Count.SKIMMED] == 2 * SIZE
    assert fold.applied == EVENTS - 2 * SIZE
    assert fold.coverage == folded(a_fold(), A_LOG).coverage
    assert not [name for name in fold.counts if name.startswith("batches_")]


def test_the_model_is_that_of_the_rows_after_the_offset_alone() -> None:
    alone = learnt_alone(learnt_from(3, A_LOG[:3]), A_LOG[3:])
    found = learnt_from(3)
    assert found.ranker.digest() == alone.ranker.digest()
    assert found.changes.rows().tobytes() == alone.changes.rows().tobytes()


def test_in_one_step_it_is_the_same_as_record_by_record() -> None:
    at_once = a_fold(learn_from=3)
    at_once.apply_many(enumerate(A_LOG))
    assert at_once.digest() == learnt_from(3).digest()


def test_an_erasure_before_the_offset_refuses_plays_that_come_after_it() -> None:
    erasing = a_batch(
        an_event("ann", "t1", 1), an_event("ann", None, 5, kind="ERASE"), an_event("bob", "t2", 2)
    )
    late = a_batch(an_event("ann", "t3", 4), an_event("ann", "t4", 6), from_offset=3)
    fold = learnt_from(1, [erasing, late])
    assert fold.counts[Count.SKIMMED] == 2
    assert (fold.counts[Count.ERASURES], fold.counts[Count.ERASED]) == (1, 1)
    assert fold.listeners.encode_many(["ann"]).tolist() == [0]


def test_control_records_before_the_offset_are_folded() -> None:
    fold = learnt_from(
        3, [*A_LOG[:1], SourceTruncated(SOURCE.topic_id, 0, 5), LogEpochStarted(2, "cut")]
    )
    assert fold.log_epoch == 2
    assert fold.coverage.next == {SOURCE: 5}


def test_a_skimmed_state_is_restored_by_what_a_snapshot_holds() -> None:
    before = learnt_from(3, A_LOG[:5])
    after = a_fold(learn_from=3)
    after.load(before.summary(), before.state())
    assert after.digest() == before.digest()
    assert folded(after, A_LOG[5:]).digest() == learnt_from(3).digest()
