"""Decodes records of the learning-log; what people have declared void counts as stray.

The journal has these declarations (`RecordsVoided`). It is read only where a record cannot be read,
or where the log has a gap, so that a log without damage costs nothing. Every reader of the log
decodes it here, and so live folds, replays and projections agree.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator

from streams.kafka.partition_reader import PartitionReader
from topics.catalogue import LEARNING_LOG, MODEL_LIFECYCLE
from topics.control_records import StrayRecord
from topics.errors import UndecodableRecordError
from topics.learning_log import LogRecord, decode_log_record
from topics.lifecycle import RecordsVoided, decode_journal_record

Records = Iterable[tuple[int, bytes | None]]
"""Offsets and values of log records, in order."""
DecodeLog = Callable[[Records, int], Iterable[tuple[int, LogRecord]]]
"""Decodes records, of which the first should be the one at the given offset."""


def decoded_without_voids(records: Records, first: int) -> Iterator[tuple[int, LogRecord]]:
    """Decodes records of a log in which nothing is void."""
    del first
    return ((offset, decode_log_record(value, offset)) for offset, value in records)


def sha256_of(value: bytes | None) -> str:
    """Hash of the bytes of a record, by which one is declared void."""
    return hashlib.sha256(value or b"").hexdigest()


class LogDecoder:
    """Decodes records of the learning-log of `kafka`."""

    def __init__(self, kafka: str) -> None:
        self._kafka = kafka
        self._voids: list[RecordsVoided] = []

    def decoded(self, records: Records, first: int) -> Iterator[tuple[int, LogRecord]]:
        """Each record from offset `first` on, and a stray one for each offset that is void.

        Raises `UndecodableRecordError` for a record that cannot be read and is not void. A gap that
        is not void stays a gap.
        """
        for offset, value in records:
            if offset > first and self._is_void(first, offset - 1, ""):
                yield from ((at, StrayRecord("there is no record")) for at in range(first, offset))
            yield offset, self._record(offset, value)
            first = offset + 1

    def _record(self, offset: int, value: bytes | None) -> LogRecord:
        try:
            return decode_log_record(value, offset)
        except UndecodableRecordError:
            if self._is_void(offset, offset, sha256_of(value)):
                return StrayRecord("it is declared void")
            raise

    def _is_void(self, first: int, last: int, sha256: str) -> bool:
        """Asks the journal again unless the answer is known: somebody may have declared it now."""
        if not _covers(self._voids, first, last, sha256):
            self._voids = voided_records(self._kafka)
        return _covers(self._voids, first, last, sha256)


def journal_reader(kafka: str) -> PartitionReader:
    """A reader of the journal.

    Nothing of EchoTune writes to it in a transaction, so somebody else's open one hides no record.
    """
    name = MODEL_LIFECYCLE.name
    return PartitionReader(kafka, "echotune-journal", name, isolation_level="read_uncommitted")


def voided_records(kafka: str) -> list[RecordsVoided]:
    """What the journal declares void in the learning-log; raises as `PartitionReader` does."""
    with journal_reader(kafka) as reader:
        messages = list(reader.read(0, *reader.bounds(0)))
    records = (decode_journal_record(each.value(), each.offset()) for each in messages)
    wanted = (LEARNING_LOG.name, 0)
    return [
        each
        for each in records
        if isinstance(each, RecordsVoided) and (each.topic, each.partition) == wanted
    ]


def is_declared_gap(kafka: str, topic: str, first: int, last: int) -> bool:
    """Whether the offsets from `first` to `last`, which have no record, are declared void."""
    return topic == LEARNING_LOG.name and _covers(voided_records(kafka), first, last, "")


def _covers(voids: list[RecordsVoided], first: int, last: int, sha256: str) -> bool:
    """Whether all of these offsets are void; `sha256` is empty if they have no records."""
    spans = sorted((each.first_offset, each.last_offset) for each in voids if each.sha256 == sha256)
    for begin, end in spans:
        if begin <= first:
            first = max(first, end + 1)
    return first > last
