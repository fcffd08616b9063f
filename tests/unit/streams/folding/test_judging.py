"""Each event of the log has a verdict, and whoever is erased in the end has none."""

from streams.folding.fold_state import Count
from streams.folding.judging import EventJudge, EventVerdict, JudgedRows
from tests.support.learning_log import WINDOW, a_batch, a_fold, a_history, an_event, batches, folded
from topics.learning_log import LogRecord


def judged(records: list[LogRecord]) -> tuple[list[JudgedRows], EventJudge]:
    skimmed = folded(a_fold(learn_from=len(records)), records)
    judge = EventJudge(skimmed.erasures, WINDOW)
    return judge.judge(enumerate(records)), judge


def said(records: list[LogRecord]) -> list[tuple[str, int, str]]:
    """Listener, source offset and verdict of each row."""
    found, _ = judged(records)
    return [
        (str(each.batch.texts("listeners")[row]), int(each.batch.offsets[row]), str(verdict))
        for each in found
        for row, verdict in zip(each.rows.tolist(), each.verdicts, strict=True)
    ]


def test_verdicts_are_as_many_as_the_fold_counts() -> None:
    plays = a_history(60)
    records: list[LogRecord] = [
        *batches(plays, 7),
        a_batch(*plays[20:30], from_offset=60),
        a_batch({**plays[5], "track_id": "another"}, from_offset=70),
    ]
    fold = folded(a_fold(), records)
    verdicts = [verdict for _, _, verdict in said(records)]
    assert verdicts.count(EventVerdict.APPLIED) == fold.counts[Count.APPLIED] == 60
    assert verdicts.count(EventVerdict.DUPLICATE) == fold.counts[Count.DUPLICATE] == 10
    assert verdicts.count(EventVerdict.REFUSED) == fold.counts[Count.CONFLICT] == 1


def test_a_row_that_the_log_has_twice_is_judged_once() -> None:
    twice = a_batch(an_event("ann", "t1"), an_event("ann", "t2"))
    assert [offset for _, offset, _ in said([twice, twice])] == [0, 1]


def test_whoever_is_erased_later_is_left_out_from_the_start() -> None:
    before = a_batch(an_event("ann", "t1", 1), an_event("bob", "t1", 2))
    erasing = a_batch(an_event("ann", None, 5, kind="ERASE"), from_offset=2)
    assert said([before, erasing]) == [("bob", 1, "applied")]
    assert judged([before, erasing])[1].left_out == 1


def test_whoever_came_back_after_the_erasure_has_only_what_is_newer() -> None:
    records: list[LogRecord] = [
        a_batch(
            an_event("ann", "t1", 1),
            an_event("ann", "t0", 9),  # newer than the erasure, and before it in the log
            an_event("ann", None, 5, kind="ERASE"),
            an_event("ann", "t2", 4),  # late
            an_event("ann", "t3", 6),
        )
    ]
    assert said(records) == [("ann", 4, "applied")]
    again = a_batch(an_event("ann", None, 20, kind="ERASE"), from_offset=5)
    assert said([*records, again]) == []
