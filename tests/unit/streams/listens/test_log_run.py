"""A pass over the log goes over offsets without a record, and sees where the log ends."""

from collections.abc import Iterator
from typing import cast

import pytest

from streams.folding.row_verdicts import RowVerdicts
from streams.kafka.log_reader import LogReader
from streams.kafka.topic_facts import Bounds
from streams.listens.log_run import LogRun
from topics.control_records import StrayRecord
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
