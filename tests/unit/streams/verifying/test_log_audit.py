"""What the log says of itself, and where it breaks what it promises."""

from streams.verifying.log_audit import LogAudit
from streams.verifying.promises import LogSums, Promise
from tests.support.learning_log import SOURCE, a_batch, a_fold, a_history, an_event, folded
from topics.control_records import SourceAdded, SourceTruncated
from topics.learning_batch import LearningBatch
from topics.learning_log import LogRecord

ADDED = SourceAdded(SOURCE.topic_id, "listening-events")


def audited(*records: LogRecord) -> LogAudit:
    audit = LogAudit()
    for offset, record in enumerate(records):
        audit.note(offset, record)
    return audit


def plays(first: int, last: int, **changes: object) -> LearningBatch:
    events = a_history(last + 1)[first:]
    return a_batch(*events, from_offset=first, to_offset=last, **changes)


def test_repetitions_and_overlaps_count_once_as_in_the_fold() -> None:
    log = [ADDED, plays(0, 9), plays(5, 14), plays(3, 9), plays(15, 19, rejected=[])]
    audit, fold = audited(*log), folded(a_fold(), log)
    assert audit.ledger == LogSums(covered=20, rows=20)
    assert dict(audit.next) == fold.coverage.next == {SOURCE: 20}
    assert [*audit.differences(fold.counts), *audit.holes(), *audit.broken] == []


def test_rejected_and_vacant_offsets_are_covered_too() -> None:
    audit = audited(ADDED, a_batch(an_event(), to_offset=3, rejected=[(2, "malformed")]))
    assert audit.ledger == LogSums(covered=4, rows=1, rejected=1, vacant=2)


def test_rows_before_the_introduction_of_their_source_are_its_rows_too() -> None:
    audit, early = LogAudit(), a_batch(an_event(), rejected=[(1, "malformed")], to_offset=1)
    counted = audit.note(0, early)
    assert counted is not None
    assert counted.source_name == ADDED.name


def test_a_batch_whose_predecessor_never_came_is_a_hole_until_both_come_again() -> None:
    log = [ADDED, plays(0, 4), plays(8, 9)]
    [hole] = audited(*log).holes()
    assert hole.promise is Promise.CONTIGUOUS
    assert hole.what == "listening-events/0/5 is missing before the batch up to 9"
    assert [*audited(*log, plays(5, 7), plays(8, 9)).holes()] == []


def test_an_offset_that_is_a_row_and_rejected_is_named() -> None:
    audit = audited(ADDED, a_batch(an_event(), an_event(minute=5), rejected=[(1, "malformed")]))
    assert [each.where for each in audit.broken] == ["learning-log/0/1"]


def test_a_rejection_outside_of_the_coverage_is_named() -> None:
    assert len(audited(a_batch(an_event(), rejected=[(7, "malformed")])).broken) == 1


def test_a_log_that_skips_an_offset_is_named() -> None:
    audit = LogAudit()
    audit.note(0, ADDED)
    audit.note(2, plays(0, 4))
    assert [each.where for each in audit.broken] == ["learning-log/0/2"]


def test_what_retention_took_is_no_hole() -> None:
    audit = audited(ADDED, SourceTruncated(SOURCE.topic_id, 0, 50), plays(50, 59))
    assert [*audit.holes()] == []
    assert audit.ledger.covered == 10


def test_counters_that_say_otherwise_are_named() -> None:
    log = [ADDED, plays(0, 9)]
    fold = folded(a_fold(), log)
    fold.counts["applied"] += 1
    [difference] = audited(*log).differences(fold.counts)
    assert difference.promise is Promise.COUNTED
    assert "counts 11, the log holds 10" in difference.what
