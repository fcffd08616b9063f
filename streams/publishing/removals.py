"""Whose lists are to be removed: the log says who was erased, the state says where."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import takewhile
from threading import Event

import numpy as np

from streams.kafka.log_reader import LogReader, ReadLog
from streams.kafka.waiting import until_answered
from topics.errors import ServerError
from topics.learning_batch import LearningBatch
from topics.learning_log import LogRecord, decode_log_record
from topics.listening_event import KIND_CODES

ErasedAt = Callable[[Sequence[int]], Awaitable[set[str]]]
"""Ids of all whom the log records at these offsets, in order, erase."""
_ERASE = KIND_CODES["ERASE"]
_READ_THROUGH = 100
"""Where no more records than these lie between two that are asked for, they are read, too."""


def erased_in(read_log: ReadLog) -> ErasedAt:
    """Asks the learning-log, waiting for Kafka as long as it takes."""

    async def erased_at(offsets: Sequence[int]) -> set[str]:
        is_over = Event()
        try:
            return await until_answered(lambda: _read(read_log, offsets, is_over))
        finally:
            is_over.set()  # who is cancelled does not wait for the thread

    return erased_at


def _read(read_log: ReadLog, offsets: Sequence[int], is_over: Event) -> set[str]:
    with read_log() as reader:
        start = reader.bounds().start
        runs = _runs([each for each in offsets if each >= start])
        records = (each for run in runs for each in _each_record(reader, *run))
        going_on = takewhile(lambda _: not is_over.is_set(), records)
        return {each for at, value in going_on for each in erased_by(decode_log_record(value, at))}


def _each_record(reader: LogReader, first: int, last: int) -> Iterator[tuple[int, bytes]]:
    at = first - 1
    for at, value in reader.records(first, last):
        yield at, value
    if at < last:
        raise ServerError(f"The learning-log ended at {at}, before {last}.", "Try again.")


def _runs(offsets: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of what is read in one go.

    >>> [*_runs([3, 5, 400, 401])], [*_runs([])]
    ([(3, 5), (400, 401)], [])
    """
    run: list[int] = []
    for at in offsets:
        if run and at - run[-1] > _READ_THROUGH:
            yield run[0], run[-1]
            run = []
        run.append(at)
    if run:
        yield run[0], run[-1]


def erased_by(record: LogRecord) -> Iterator[str]:
    """Ids of whom a log record erases, be it again."""
    if isinstance(record, LearningBatch):
        listeners = record.columns["listeners"]
        for row in np.flatnonzero(record.columns["kinds"] == _ERASE).tolist():
            yield record.strings[listeners[row]]
