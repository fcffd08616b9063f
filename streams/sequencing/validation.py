"""Decodes and validates the records of a chunk, and derives missing fields. Pure.

A malformed record (poison message) is returned as a value and raises no exception. Only a failed
lookup (the registry is unavailable) is raised, because it does not mean that the record is bad.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, Protocol

from topics.codecs import Decoder, Headers
from topics.identity import artist_id_of, track_id_of
from topics.learning_batch import ADDITIONAL_INFO, SourceRow
from topics.listening_event import (
    EARLIEST_LISTENED_AT_MS,
    ID_LENGTH_MAX,
    LATEST_AHEAD_MS,
    EventFields,
    EventKind,
    invalid_events,
)
from topics.partitioning import partition_of
from topics.recommendation_list import EVERYONE
from topics.rejection import Rejected, RejectionReason

ADDITIONAL_INFO_BYTES_MAX = 4_096
"""What a source says beside an event is kept up to this size, and dropped beyond."""
_PARTITIONS_CACHED = 100_000
_ARTISTS_CACHED = 100_000
_UNKNOWN = EventKind.UNKNOWN.value
_ERASE = EventKind.ERASE.value


class SourceRecord(Protocol):
    """The part of a consumed record that is used here; `timestamp` is the broker's, ms."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None

    @property
    def headers(self) -> Headers:
        """Headers; one may name the schema of the value."""
        ...


class RejectedRecord(NamedTuple):
    """A record that is not a valid event, with its bytes unchanged."""

    record: SourceRecord
    rejected: Rejected


@dataclass(frozen=True)
class Accepted:
    """The result for a chunk: its valid rows and its rejected records, both in source order."""

    rows: list[SourceRow] = field(default_factory=list)
    rejected: list[RejectedRecord] = field(default_factory=list)


def accept(records: Sequence[SourceRecord], decoder: Decoder) -> Accepted:
    """Decodes and checks every record of a chunk of one partition."""
    decode = decoder.decode
    decoded = [decode(record.value, record.headers) for record in records]
    rejected = {at: found for at, found in enumerate(decoded) if isinstance(found, Rejected)}
    events = [found[1] for found in decoded if not isinstance(found, Rejected)]
    places = [at for at in range(len(records)) if at not in rejected] if rejected else None
    for position, why in invalid_events(events).items():
        at = position if places is None else places[position]
        rejected[at] = Rejected(RejectionReason.INVALID, why)
    rows: list[SourceRow] = []
    for at, event in enumerate(events) if places is None else zip(places, events, strict=True):
        if at not in rejected:
            record = records[at]
            if record.headers:
                event[ADDITIONAL_INFO] = _additional_info(record.headers)
            wrong = _complete(event, record.timestamp)
            if wrong is None:
                rows.append(SourceRow(record.offset, record.timestamp, event))
            else:
                rejected[at] = wrong
    return Accepted(rows, [RejectedRecord(records[at], rejected[at]) for at in sorted(rejected)])


def _additional_info(headers: Headers) -> str | None:
    """What else the source says about a play; None if it says nothing that can be kept."""
    found = next((value for name, value in headers if name == ADDITIONAL_INFO), None)
    if not found or len(found) > ADDITIONAL_INFO_BYTES_MAX:
        return None
    try:
        return found.decode()
    except UnicodeDecodeError:
        return None


def _complete(event: EventFields, recorded_at: int) -> Rejected | None:
    """Fills in the derivable fields of a checked event, or returns why it is rejected.

    `recorded_at` is the broker's time of the record, ms.
    """
    kind = event["kind"]
    if event["listener_id"] == EVERYONE:
        return Rejected(RejectionReason.INVALID, f"listener_id: {EVERYONE} stands for all of them")
    if kind == _UNKNOWN:
        return Rejected(RejectionReason.UNKNOWN_KIND, "the event's kind is newer than this version")
    if event["artist_id"] is None and event["artist_name"]:
        event["artist_id"] = _artist_id(event["artist_name"])
    listened_at = event["listened_at"]
    if listened_at is None:
        listened_at = event["listened_at"] = recorded_at
    if not EARLIEST_LISTENED_AT_MS <= listened_at <= recorded_at + LATEST_AHEAD_MS:
        return Rejected(
            RejectionReason.TIME_OUT_OF_RANGE,
            f"listened_at {listened_at} is before 2002-10-01 or beyond the record's {recorded_at}",
        )
    if kind == _ERASE:
        event["track_id"] = None
    elif event["track_id"] is None:
        return _derive_track(event)
    return None


def _derive_track(event: EventFields) -> Rejected | None:
    track_id = track_id_of(
        event["artist_name"],
        event["track_name"],
        source=event["source"],
        source_track_id=event["source_track_id"],
    )
    if track_id is None:
        return Rejected(RejectionReason.NO_TRACK, "neither track_id nor names say which track")
    if len(track_id) > ID_LENGTH_MAX:
        return Rejected(RejectionReason.INVALID, f"track_id is longer than {ID_LENGTH_MAX}")
    event["track_id"] = track_id
    return None


@lru_cache(maxsize=_ARTISTS_CACHED)
def _artist_id(artist_name: str) -> str:
    return artist_id_of(artist_name)


def count_in_wrong_partition(rows: Sequence[SourceRow], partition: int, partitions: int) -> int:
    """How many rows are not in the partition of their listener."""
    return sum(_partition(row.event["listener_id"], partitions) != partition for row in rows)


@lru_cache(maxsize=_PARTITIONS_CACHED)
def _partition(listener_id: str, partitions: int) -> int:
    return partition_of(listener_id, partitions)
