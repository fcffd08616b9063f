"""The projector passes offsets without a record, and knows the end of the log when it sees it."""

from collections.abc import Iterator
from typing import cast

import pytest

from streams.folding.row_verdicts import RowVerdicts
from streams.kafka.log_reader import LogReader
from streams.kafka.topic_facts import Bounds
from streams.listens.listen_history import NOTHING
from streams.listens.listen_projector import _Run
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
    ("offsets", "end", "position"),
    [([0, 1, 2], 3, 2), ([0, 1, 2], 4, 2), ([0, 1, 500], 502, 500), ([], 0, -1), ([], 1, -1)],
    ids=["whole", "a marker at the end", "a long gap", "empty", "nothing but a marker"],
)
def test_a_run_ends_at_the_last_record_of_the_log(
    offsets: list[int], end: int, position: int
) -> None:
    reader = cast(LogReader, ALog(offsets, end))
    run = _Run(reader, RowVerdicts(16), frozenset(), NOTHING, "log")
    steps = [run.step() for _ in range(4)]
    assert steps[-1] is None
    assert run.position.offset == position
