"""A pass over the log goes over offsets without a record, and sees where the log ends."""

from collections.abc import Iterator
from typing import cast

import pytest

from streams.folding.row_verdicts import RowVerdicts
from streams.kafka.log_reader import LogReader
from streams.kafka.topic_facts import Bounds
from streams.listens.log_run import LogRun
from topics.control_records import StrayRecord
from topics.errors import UndecodableRecordError
from topics.learning_log import LogRecord


class ALog:
    """A log that has records at some of its offsets."""

    def __init__(self, offsets: list[int], end: int) -> None:
        self.offsets, self.end = offsets, end

    def bounds(self) -> Bounds:
        return Bounds(0, self.end)

    def decoded(self, first: int, last: int) -> Iterator[tuple[int, LogRecord]]:
        for offset in self.offsets:
            if first <= offset <= last:
                yield offset, StrayRecord("a test")


@pytest.mark.parametrize(
    ("offsets", "end"),
    [([0, 1, 2], 3), ([0, 1, 2], 4), ([0, 1, 500], 502), ([], 0), ([], 1)],
    ids=["whole", "a marker at the end", "a long gap", "empty", "nothing but a marker"],
)
def test_a_pass_ends_at_the_end_of_the_log(offsets: list[int], end: int) -> None:
    run = LogRun(cast(LogReader, ALog(offsets, end)), RowVerdicts(16), frozenset(), -1)
    steps = [run.step() for _ in range(5)]
    assert steps[-1] is None
    assert run.offset == end - 1
    assert run.is_at_end


class ADamagedLog(ALog):
    """A log whose last record cannot be read."""

    def decoded(self, first: int, last: int) -> Iterator[tuple[int, LogRecord]]:
        yield from super().decoded(first, min(last, self.end - 2))
        if last == self.end - 1:
            raise UndecodableRecordError("it is damaged")


def test_what_comes_before_a_damaged_record_is_given_before_the_pass_halts() -> None:
    log = ADamagedLog([0, 1, 2], 4)
    run = LogRun(cast(LogReader, log), RowVerdicts(16), frozenset(), -1)
    assert run.step() == []
    assert run.offset == 2
    assert not run.is_at_end
    for _ in range(2):
        with pytest.raises(UndecodableRecordError):
            run.step()
