"""Compares the log with the source and the dead letters: no covered record is missing or changed.

This module is pure. Its caller reads the topics and passes their records.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from streams.dead_letters.letter_index import Origin
from streams.folding.log_account import Counted
from streams.registry.writer_schemas import is_fixed
from streams.sequencing.validation import SourceRecord, accept
from streams.verifying.promises import Broken, Promise
from topics.codecs import Decoder, schema_ref_of
from topics.identity import event_key_of
from topics.learning_batch import LearningBatch
from topics.listening_event import KIND_CODES, EventFields
from topics.rejection import RejectionReason

Keeps = Callable[[Origin, bytes | None], bool | None]
"""Whether the dead letter of this origin holds these bytes; None if there is none."""


class RowContent(NamedTuple):
    """The compared content of a source record; `reason` is empty unless it was rejected."""

    event_key: bytes = b""
    kind: int = -1
    listener_id: str | None = None
    track_id: str | None = None
    listened_at: int | None = None
    reason: str = ""


_TOO_LARGE = RowContent(reason=str(RejectionReason.TOO_LARGE))
_WITHOUT_SCHEMA = {
    RowContent(reason=str(RejectionReason.UNKNOWN_SCHEMA)),
    RowContent(reason=str(RejectionReason.BAD_MAGIC)),  # of a version that knew no GUIDs
}


def in_log(counted: Counted) -> dict[int, RowContent]:
    """Source offset → its content in the log, for the rows and rejections that count."""
    batch = counted.batch
    rows = dict(_rows(batch, counted.first_new))
    return rows | {at: RowContent(reason=reason) for at, reason in counted.rejected}


def _rows(batch: LearningBatch, first_new: int) -> Iterator[tuple[int, RowContent]]:
    columns = (
        (key.tobytes() for key in batch.columns["event_keys"]),
        batch.columns["kinds"].tolist(),
        batch.texts("listeners"),
        batch.texts("tracks"),
        batch.columns["listened_at"].tolist(),
    )
    for at, *fields in zip(batch.offsets.tolist(), *columns, strict=True):
        if at >= first_new:
            yield at, RowContent(*fields)


def in_source(records: Sequence[SourceRecord], decoder: Decoder) -> dict[int, RowContent]:
    """Source offset → its content as a sequencer has to write it."""
    accepted = accept(records, decoder)
    rows = {row.offset: _content_of(row.event) for row in accepted.rows}
    return rows | {
        each.record.offset: RowContent(reason=str(each.rejected.reason))
        for each in accepted.rejected
    }


def _content_of(event: EventFields) -> RowContent:
    return RowContent(
        event_key_of(event["event_id"]),
        KIND_CODES[event["kind"]],
        event["listener_id"],
        event["track_id"],
        event["listened_at"],
    )


def compared(
    counted: Counted, records: Sequence[SourceRecord], decoder: Decoder
) -> Iterator[Broken]:
    """Differences between a batch and the source's records of the same offsets.

    A record whose schema was registered after its rejection stays rejected, and one that was too
    large to be read may be readable here. These are no differences.
    """
    log, source = in_log(counted), in_source(records, decoder)
    registered = {each.offset for each in records if _is_registered(each)}
    for at in sorted(log.keys() | source.keys()):
        is_late = at in registered and log.get(at) in _WITHOUT_SCHEMA
        is_excused = is_late or log.get(at) == _TOO_LARGE
        if log.get(at) != source.get(at) and not is_excused:
            yield Broken(Promise.SOURCE, _place(counted, at), _difference(log, source, at))


def _is_registered(record: SourceRecord) -> bool:
    schema = schema_ref_of(record.value, record.headers)
    return schema is not None and not is_fixed(schema)


def _difference(log: Mapping[int, RowContent], source: Mapping[int, RowContent], at: int) -> str:
    if at not in log:
        return f"covered by the log, which does not hold it: {source[at]}"
    if at not in source:
        return f"in the log, though the source does not hold it: {log[at]}"
    return f"the source holds {source[at]}, the log holds {log[at]}"


def missing_letters(
    counted: Counted, records: Iterable[SourceRecord], keeps: Keeps
) -> Iterator[Broken]:
    """Rejected records without a dead letter, or whose dead letter has other bytes.

    The dead letter of a record that was too large to be read has none.
    """
    values = {record.offset: record.value for record in records}
    for at, reason in counted.rejected:
        place = _place(counted, at)
        origin = counted.source_name, counted.batch.source.partition, at
        is_same = keeps(origin, values.get(at))
        if is_same is None:
            yield Broken(Promise.LETTERS, place, f"rejected as {reason}, but no dead letter")
        elif at in values and not is_same and reason != RejectionReason.TOO_LARGE:
            yield Broken(Promise.LETTERS, place, "the dead letter has other bytes than the source")


def _place(counted: Counted, at: int) -> str:
    return f"{counted.source_name}/{counted.batch.source.partition}/{at}"
