"""The source and the dead letters beside the log: nothing covered is missing, nothing changed.

Pure: whoever reads the topics hands in what they hold.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from streams.dead_letters.letter_index import Origin
from streams.folding.log_account import Counted
from streams.sequencing.acceptance import SourceRecord, accept
from streams.verifying.findings import Broken, Promise
from topics.codecs import Decoder, schema_id_of
from topics.identity import event_key_of
from topics.learning_batch import LearningBatch
from topics.listening_event import KIND_CODES, EventFields
from topics.rejection import RejectionReason
from topics.schemas import FIXED_IDS_FROM

Keeps = Callable[[Origin, bytes | None], bool | None]
"""Whether a dead letter of this origin holds these bytes; None: there is no letter of it."""


class Told(NamedTuple):
    """What is compared of a row; `reason` is that of a rejection, and empty for a row."""

    event_key: bytes = b""
    kind: int = -1
    listener_id: str | None = None
    track_id: str | None = None
    listened_at: int | None = None
    reason: str = ""


_WITHOUT_SCHEMA = Told(reason=str(RejectionReason.UNKNOWN_SCHEMA))


def in_log(counted: Counted) -> dict[int, Told]:
    """Source offset → what the log says of it, of all that counts."""
    batch = counted.batch
    told = dict(_rows(batch, counted.first_new))
    return told | {at: Told(reason=reason) for at, reason in counted.rejected}


def _rows(batch: LearningBatch, first_new: int) -> Iterator[tuple[int, Told]]:
    columns = (
        (key.tobytes() for key in batch.columns["event_keys"]),
        batch.columns["kinds"].tolist(),
        batch.texts("listeners"),
        batch.texts("tracks"),
        batch.columns["listened_at"].tolist(),
    )
    for at, *fields in zip(batch.offsets.tolist(), *columns, strict=True):
        if at >= first_new:
            yield at, Told(*fields)


def in_source(records: Sequence[SourceRecord], decoder: Decoder) -> dict[int, Told]:
    """Source offset → what a sequencer has to say of it."""
    accepted = accept(records, decoder)
    rows = {row.offset: _told(row.event) for row in accepted.rows}
    return rows | {
        each.record.offset: Told(reason=str(each.rejected.reason)) for each in accepted.rejected
    }


def _told(event: EventFields) -> Told:
    return Told(
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

    A record whose schema was registered after it was rejected stays rejected: that is none.
    """
    log, source = in_log(counted), in_source(records, decoder)
    registered = {each.offset for each in records if _is_registered(each.value)}
    for at in sorted(log.keys() | source.keys()):
        is_late = at in registered and log.get(at) == _WITHOUT_SCHEMA
        if log.get(at) != source.get(at) and not is_late:
            yield Broken(Promise.SOURCE, _place(counted, at), _difference(log, source, at))


def _is_registered(value: bytes | None) -> bool:
    schema_id = schema_id_of(value)
    return schema_id is not None and schema_id < FIXED_IDS_FROM


def _difference(log: Mapping[int, Told], source: Mapping[int, Told], at: int) -> str:
    if at not in log:
        return f"covered by the log, which does not hold it: {source[at]}"
    if at not in source:
        return f"in the log, though the source does not hold it: {log[at]}"
    return f"the source says {source[at]}, the log {log[at]}"


def missing_letters(
    counted: Counted, records: Iterable[SourceRecord], keeps: Keeps
) -> Iterator[Broken]:
    """Rejected records without a dead letter, or with other bytes than the source has."""
    values = {record.offset: record.value for record in records}
    for at, reason in counted.rejected:
        place = _place(counted, at)
        origin = counted.source_name, counted.batch.source.partition, at
        is_same = keeps(origin, values.get(at))
        if is_same is None:
            yield Broken(Promise.LETTERS, place, f"rejected as {reason}, but no dead letter")
        elif at in values and not is_same:
            yield Broken(Promise.LETTERS, place, "the dead letter has other bytes than the source")


def _place(counted: Counted, at: int) -> str:
    return f"{counted.source_name}/{counted.batch.source.partition}/{at}"
