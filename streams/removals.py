"""Whose lists are to be removed: the log says who was erased."""

from collections.abc import Awaitable, Callable, Iterator

import numpy as np

from streams.kafka_waiting import answered
from streams.log_reader import LogReader, ReadLog
from topics.learning_batch import LearningBatch
from topics.learning_log import LogRecord, decode_log_record
from topics.listening_event import KIND_CODES

ErasedBetween = Callable[[int, int], Awaitable[set[str]]]
"""Ids of all who were erased after the first log offset and up to the second one."""
_ERASE = KIND_CODES["ERASE"]


def erased_in(kafka: str, read_log: ReadLog = LogReader) -> ErasedBetween:
    """Asks the learning-log of `kafka`, waiting for it as long as it takes."""

    async def between(after: int, last: int) -> set[str]:
        return await answered(lambda: _read(kafka, read_log, after, last))

    return between


def _read(kafka: str, read_log: ReadLog, after: int, last: int) -> set[str]:
    with read_log(kafka) as reader:
        first = max(after + 1, reader.bounds().start)
        records = (decode_log_record(value, at) for at, value in reader.records(first, last))
        return {each for record in records for each in erased_by(record)}


def erased_by(record: LogRecord) -> Iterator[str]:
    """Ids of whom a log record erases, be it again."""
    if isinstance(record, LearningBatch):
        listeners = record.columns["listeners"]
        for row in np.flatnonzero(record.columns["kinds"] == _ERASE).tolist():
            yield record.strings[listeners[row]]
