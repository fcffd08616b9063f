"""From the records of a chunk to rows and rejections: decode, check, derive. Pure.

A bad record is a value here, never an exception; only a lookup that cannot be answered (a
registry that is away) passes through, since that says nothing about the record.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, Protocol

from topics.codecs import Decoder
from topics.identity import artist_id_of, track_id_of
from topics.learning_batch import SourceRow
from topics.listening_event import (
    EARLIEST_LISTENED_AT_MS,
    LATEST_AHEAD_MS,
    EventFields,
    EventKind,
    invalid_events,
)
from topics.partitioning import partition_of
from topics.rejection import Rejected, RejectionReason

_PARTITIONS_REMEMBERED = 100_000


class SourceRecord(Protocol):
    """What is used of a consumed record; `timestamp` is the broker's, ms."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class RejectedRecord(NamedTuple):
    """A record that is no valid event, with its bytes untouched."""

    record: SourceRecord
    rejected: Rejected


@dataclass(frozen=True)
class Accepted:
    """What became of a chunk: its valid rows and its rejected records, both in source order."""

    rows: list[SourceRow] = field(default_factory=list)
    rejected: list[RejectedRecord] = field(default_factory=list)


def accept(records: Sequence[SourceRecord], decoder: Decoder) -> Accepted:
    """Decodes and checks every record of a chunk of one partition."""
    rejected: dict[int, Rejected] = {}
    decoded: list[tuple[int, EventFields]] = []
    for at, record in enumerate(records):
        found = decoder.decode(record.value)
        if isinstance(found, Rejected):
            rejected[at] = found
        else:
            decoded.append((at, found[1]))
    rejected |= dict(_invalid(decoded))
    rows: list[SourceRow] = []
    for at, event in decoded:
        if at not in rejected:
            row = _row(records[at], event)
            if isinstance(row, Rejected):
                rejected[at] = row
            else:
                rows.append(row)
    return Accepted(rows, [RejectedRecord(records[at], rejected[at]) for at in sorted(rejected)])


def _invalid(decoded: list[tuple[int, EventFields]]) -> Iterator[tuple[int, Rejected]]:
    for position, why in invalid_events([event for _, event in decoded]).items():
        yield decoded[position][0], Rejected(RejectionReason.INVALID, why)


def _row(record: SourceRecord, event: EventFields) -> SourceRow | Rejected:
    """The row of a checked event; what can be derived is filled in."""
    if event["kind"] == EventKind.UNKNOWN:
        return Rejected(RejectionReason.UNKNOWN_KIND, "the event's kind is newer than this version")
    if event["listened_at"] is None:
        event["listened_at"] = record.timestamp
    if event["listened_at"] > record.timestamp + LATEST_AHEAD_MS:
        return Rejected(RejectionReason.TIME_OUT_OF_RANGE, "listened_at lies in the future")
    if event["listened_at"] < EARLIEST_LISTENED_AT_MS:
        return Rejected(RejectionReason.TIME_OUT_OF_RANGE, "listened_at lies before 2002-10-01")
    if event["kind"] == EventKind.ERASE:
        event["track_id"] = None
    elif event["track_id"] is None:
        event["track_id"] = _derived_track(event)
        if event["track_id"] is None:
            return Rejected(RejectionReason.NO_TRACK, "neither track_id nor names say which track")
    if event["artist_id"] is None and event["artist_name"]:
        event["artist_id"] = artist_id_of(event["artist_name"])
    return SourceRow(record.offset, record.timestamp, event)


def _derived_track(event: EventFields) -> str | None:
    return track_id_of(
        event["artist_name"],
        event["track_name"],
        source=event["source"],
        source_track_id=event["source_track_id"],
    )


def misplaced(rows: Sequence[SourceRow], partition: int, partitions: int) -> int:
    """How many rows lie in another partition than their listener's."""
    return sum(_partition(row.event["listener_id"], partitions) != partition for row in rows)


@lru_cache(maxsize=_PARTITIONS_REMEMBERED)
def _partition(listener_id: str, partitions: int) -> int:
    return partition_of(listener_id, partitions)
