"""Verdicts on rows without a model are those of the fold."""

import random
from collections import Counter

import pytest

from streams.folding.fold_state import Count
from streams.folding.row_verdicts import COUNTING, RowVerdict, judged_batches
from tests.property.test_naive_fold import a_log_by_chance
from tests.support.learning_log import a_batch, a_fold, an_event, folded
from tests.unit.streams.folding.test_fold_version import a_fixed_log
from topics.identity import event_key_of
from topics.learning_log import LogRecord

WINDOW = 64


def counted(log: list[LogRecord]) -> Counter[int]:
    return Counter(
        verdict
        for each in judged_batches(enumerate(log), WINDOW)
        for verdict in each.verdicts.tolist()
    )


@pytest.mark.parametrize(
    "log",
    [a_fixed_log(), *(a_log_by_chance(random.Random(seed)) for seed in range(10))],
    ids=["every kind of record", *map(str, range(10))],
)
def test_as_many_rows_get_each_verdict_as_the_fold_counts(log: list[LogRecord]) -> None:
    fold, found = folded(a_fold(duplicate_window=WINDOW), log), counted(log)
    assert sum(found[each] for each in COUNTING) == fold.applied
    duplicates = found[RowVerdict.DUPLICATE] + found[RowVerdict.MASKED]
    assert duplicates == fold.counts[Count.DUPLICATE]
    assert found[RowVerdict.CONFLICT] == fold.counts[Count.CONFLICT]
    assert found[RowVerdict.ERASED] == fold.counts[Count.ERASED]
    masked = found[RowVerdict.MASKED] - found[RowVerdict.UNMASKED]
    assert masked == sum(fold.masked.by_source().values())


def test_each_row_has_its_own_verdict_and_a_masked_one_its_masker() -> None:
    play = an_event(minute=10)
    batch = a_batch(
        play,
        an_event(minute=10.5, source="lastfm"),
        play,
        {**play, "ms_played": 5},
        an_event("ann", "t1", 10.5, source="lastfm", kind="KEEP"),
        an_event(track_id=None, kind="ERASE", minute=20),
        an_event(minute=19),
        an_event(minute=21),
    )
    [judged] = judged_batches([(0, batch)], WINDOW)
    assert [RowVerdict(each).name for each in judged.verdicts] == [
        "NEW",
        "MASKED",
        "DUPLICATE",
        "CONFLICT",
        "UNMASKED",
        "NEW",
        "ERASED",
        "NEW",
    ]
    keys = judged.maskers[["key_high", "key_low"]]
    assert keys[1].tobytes()[:16] == event_key_of(play["event_id"])
    assert not judged.maskers[[0, *range(2, 8)]].tobytes().strip(b"\0")


def test_rows_that_were_covered_before_or_do_not_follow_are_told_apart() -> None:
    first, second, third = (an_event(track_id=name, minute=at) for at, name in enumerate("abc"))
    log = [a_batch(first, second), a_batch(second, third, from_offset=1), a_batch(from_offset=9)]
    found = [each.verdicts.tolist() for each in judged_batches(enumerate(log), WINDOW)]
    assert found == [[RowVerdict.NEW] * 2, [RowVerdict.NOT_COVERED, RowVerdict.NEW], []]
    ahead = a_batch(an_event(), from_offset=7)
    [judged] = judged_batches([(0, ahead)], WINDOW)
    assert judged.verdicts.tolist() == [RowVerdict.NOT_COVERED]
