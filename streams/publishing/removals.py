"""Finds the lists to remove in a repair: reads the ids of erased listeners from the log.

The state only has the offsets of the log records that erased them.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import takewhile
from threading import Event

import numpy as np

from streams.kafka.log_reader import LogReader, ReadLog
from streams.kafka.retries import until_answered
from topics.errors import ServerError
from topics.learning_batch import LearningBatch
from topics.learning_log import LogRecord
from topics.listening_event import KIND_CODES

ErasedAt = Callable[[Sequence[int]], Awaitable[set[str]]]
"""Function from log offsets, in order, to the ids of the listeners that these records erase."""
_ERASE = KIND_CODES["ERASE"]
_READ_THROUGH = 100
"""Two requested records at most this many offsets apart are read as one range."""


def erased_ids_reader(read_log: ReadLog) -> ErasedAt:
    """Reads from the learning-log, and waits for Kafka as long as necessary."""

    async def erased_ids_at(offsets: Sequence[int]) -> set[str]:
        is_over = Event()
        try:
            return await until_answered(lambda: _read(read_log, offsets, is_over))
        finally:
            is_over.set()  # ends the thread if this task is cancelled

    return erased_ids_at


def _read(read_log: ReadLog, offsets: Sequence[int], is_over: Event) -> set[str]:
    with read_log() as reader:
        start = reader.bounds().start
        ranges = _contiguous_ranges([each for each in offsets if each >= start])
        records = (record for each in ranges for record in _records(reader, *each))
        wanted = takewhile(lambda _: not is_over.is_set(), records)
        return {each for _, record in wanted for each in erased_by(record)}


def _records(reader: LogReader, first: int, last: int) -> Iterator[tuple[int, LogRecord]]:
    at = first - 1
    for at, record in reader.decoded(first, last):
        yield at, record
    if at < last:
        raise ServerError(f"The learning-log ended at {at}, before {last}.", "Try again.")


def _contiguous_ranges(offsets: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last offset of each range that is read in one pass.

    >>> [*_contiguous_ranges([3, 5, 400, 401])], [*_contiguous_ranges([])]
    ([(3, 5), (400, 401)], [])
    """
    within: list[int] = []
    for at in offsets:
        if within and at - within[-1] > _READ_THROUGH:
            yield within[0], within[-1]
            within = []
        within.append(at)
    if within:
        yield within[0], within[-1]


def erased_by(record: LogRecord) -> Iterator[str]:
    """Ids of the listeners that a log record erases, including repeated erasures."""
    if isinstance(record, LearningBatch):
        listeners = record.columns["listeners"]
        for row in np.flatnonzero(record.columns["kinds"] == _ERASE).tolist():
            yield record.strings[listeners[row]]
