"""Declares records of the learning-log void that no reader can read, and gaps that nobody explains.

Nothing is deleted: the declaration is a record of the journal, by which every reader passes the
record from then on (`kafka/voided_records.py`).
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from streams.kafka.log_reader import LogReader
from streams.kafka.voided_records import sha256_of, voided_records
from streams.lifecycle.journal import Journal, operation
from topics.catalogue import LEARNING_LOG
from topics.errors import LogError, TopicError, UndecodableRecordError
from topics.learning_log import decode_log_record, gap_error
from topics.lifecycle import RecordsVoided

_LOOKS_AT_MAX = 2_000
"""Records that the doctor looks at behind the one that was folded last."""


class Void(NamedTuple):
    """Offsets of the log that are to be void; `sha256` is that of the record, empty for a gap."""

    first_offset: int
    last_offset: int
    sha256: str


def void_records(
    kafka: str, first: int, last: int, why: str, *, who: str = "", is_not_newer: bool = False
) -> list[RecordsVoided]:
    """Declares void what cannot be read from `first` to `last`; returns the declarations.

    Raises `LogError` if all of it can be read, and for a record that a newer version may have
    written, unless `is_not_newer`. What is void already is not declared again.
    """
    with LogReader(kafka) as log:
        found = list(_unreadable(log, first, last, is_not_newer=is_not_newer))
    if not found:
        raise LogError(
            f"Everything of {LEARNING_LOG.name} at {first}{f' to {last}' if last > first else ''} "
            "can be read, or is passed anyway: nothing is declared void.",
            "`echotune doctor` names the record at which workers halt.",
        )
    known = {Void(it.first_offset, it.last_offset, it.sha256) for it in voided_records(kafka)}
    with Journal(kafka) as journal:
        return [
            _declared(journal, each, operation(why, who)) for each in found if each not in known
        ]


def halt_after(kafka: str, as_of: int) -> UndecodableRecordError | LogError | None:
    """Why a fold that has reached `as_of` cannot go on; None if the next records can be read."""
    with LogReader(kafka) as log:
        start, end = log.bounds()
        expected = max(as_of + 1, start)
        try:
            for offset, _ in islice(log.decoded(expected, end - 1), _LOOKS_AT_MAX):
                if offset > expected:
                    return gap_error(expected, offset)
                expected = offset + 1
        except UndecodableRecordError as error:
            return error
    return None


def _declared(journal: Journal, void: Void, said: dict[str, Any]) -> RecordsVoided:
    record = RecordsVoided(topic=LEARNING_LOG.name, partition=0, **void._asdict(), **said)
    journal.append(lambda _: record)
    return record


def check_is_log(topic: str, partition: int) -> None:
    """Raises `TopicError` unless it is the partition of the learning-log."""
    if (topic, partition) != (LEARNING_LOG.name, 0):
        raise TopicError(
            f"Nothing of {topic}/{partition} can be declared void.",
            f"Name {LEARNING_LOG.name} 0: of all other topics, records that cannot be read are "
            "dead letters, or are passed.",
        )


def _unreadable(log: LogReader, first: int, last: int, *, is_not_newer: bool) -> Iterator[Void]:
    start, end = log.bounds()
    if not start <= first <= last < end:
        raise LogError(
            f"{LEARNING_LOG.name} has the offsets {start} to {end - 1}, and not all of {first} "
            f"to {last}.",
            "`echotune doctor` names the record at which workers halt.",
        )
    expected = first
    for offset, value in log.records(first, end - 1):
        if offset > expected:
            yield Void(expected, offset - 1, "")
        if offset > last:
            break
        if _is_damaged(offset, value, is_not_newer=is_not_newer):
            yield Void(offset, offset, sha256_of(value))
        expected = offset + 1
        if offset == last:
            break


def _is_damaged(offset: int, value: bytes, *, is_not_newer: bool) -> bool:
    try:
        decode_log_record(value, offset)
    except UndecodableRecordError as error:
        if error.may_be_newer and not is_not_newer:
            raise
        return True
    return False
