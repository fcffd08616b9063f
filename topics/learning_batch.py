"""`LearningBatch`: validated events of one source partition, in columns; the unit of the log.

Columns are numpy arrays. Text columns are dictionary-encoded: they hold positions in `strings`, so
that a repeated text is stored and looked up once per batch. The Avro contract is
`avro/LearningBatch.avsc`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from topics.identity import event_key_of
from topics.listening_event import KIND_CODES, EventFields

NULL = -1
"""Represents null in every int column, because no length, time or position is negative."""

ADDITIONAL_INFO = "additional_info"
"""Header of an event's record: a JSON object with what else its source says about the play."""
_LATER = frozenset({"additional_infos"})
"""Columns that the first version did not have; they are empty in a record if every row is null."""

TEXT_COLUMNS: dict[str, str] = {
    "listeners": "listener_id",
    "tracks": "track_id",
    "artists": "artist_id",
    "sources": "source",
    "source_tracks": "source_track_id",
    "artist_names": "artist_name",
    "track_names": "track_name",
    "release_names": "release_name",
    "reasons_end": "reason_end",
    "contexts": "context",
    "recommendations": "recommendation_id",
    "additional_infos": ADDITIONAL_INFO,
}
"""Column of the batch → field of the event."""

_DTYPES: dict[str, np.dtype[Any]] = {
    "row_offsets": np.dtype("<i4"),
    "appended_at": np.dtype("<i8"),
    "event_keys": np.dtype("V16"),
    "kinds": np.dtype("u1"),
    "listened_at": np.dtype("<i8"),
    "ms_played": np.dtype("<i4"),
    "duration_ms": np.dtype("<i4"),
    **dict.fromkeys(TEXT_COLUMNS, np.dtype("<i4")),
}

Column = NDArray[Any]


class SourcePartition(NamedTuple):
    """A source partition: (Kafka topic id, partition). A topic's name does not identify it."""

    topic_id: bytes
    partition: int


class SourceRow(NamedTuple):
    """A valid event and its source offset; `appended_at` is the broker's append time, ms."""

    offset: int
    appended_at: int
    event: EventFields


@dataclass(frozen=True, eq=False)
class LearningBatch:
    """One record of the learning-log; covers source offsets `from_offset` to `to_offset`."""

    source: SourcePartition
    from_offset: int
    to_offset: int
    strings: Sequence[str]
    columns: dict[str, Column]
    rejected: Sequence[tuple[int, str]] = ()
    assignment_epoch: int = 0
    sequencer_id: str = ""
    sequencer_version: str = ""
    shard: int = 0

    def __len__(self) -> int:
        return len(self.columns["kinds"])

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Source offset of each row."""
        return self.columns["row_offsets"].astype(np.int64) + self.from_offset

    def texts(self, column: str) -> list[str | None]:
        """The strings of a text column."""
        return [None if at < 0 else self.strings[at] for at in self.columns[column].tolist()]

    def record(self) -> dict[str, Any]:
        """The Avro record."""
        return {
            "source_topic_id": self.source.topic_id,
            "source_partition": self.source.partition,
            "from_offset": self.from_offset,
            "to_offset": self.to_offset,
            "assignment_epoch": self.assignment_epoch,
            "sequencer_id": self.sequencer_id,
            "sequencer_version": self.sequencer_version,
            "shard": self.shard,
            "rejected": [{"offset": at, "reason": reason} for at, reason in self.rejected],
            "strings": self.strings,
            **{name: _stored(name, column) for name, column in self.columns.items()},
        }

    @classmethod
    def of_record(cls, record: dict[str, Any]) -> "LearningBatch":
        """Reads the Avro record; the columns are views of its bytes.

        Raises ValueError if the columns do not fit each other, `strings` or the covered offsets,
        because compiled code uses their positions unchecked.
        """
        batch = cls(
            source=SourcePartition(record["source_topic_id"], record["source_partition"]),
            from_offset=record["from_offset"],
            to_offset=record["to_offset"],
            strings=record["strings"],
            columns={name: _loaded(record, name) for name in _DTYPES},
            rejected=[(each["offset"], each["reason"]) for each in record["rejected"]],
            assignment_epoch=record["assignment_epoch"],
            sequencer_id=record["sequencer_id"],
            sequencer_version=record["sequencer_version"],
            shard=record["shard"],
        )
        _check_columns(batch)
        return batch


def _stored(name: str, column: Column) -> bytes:
    return b"" if name in _LATER and not (column != NULL).any() else column.tobytes()


def _loaded(record: dict[str, Any], name: str) -> Column:
    if name in _LATER and not record[name]:
        return np.full(len(record["kinds"]), NULL, _DTYPES[name])
    return np.frombuffer(record[name], _DTYPES[name])


def _check_columns(batch: LearningBatch) -> None:
    lengths = {name: len(column) for name, column in batch.columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns differ in length: {lengths}")
    if not _lie_within(batch.columns["kinds"], 0, len(KIND_CODES) - 1):
        raise ValueError("a row has a kind that is newer than this version")
    positions = np.concatenate([batch.columns[name] for name in TEXT_COLUMNS])
    if not _lie_within(positions, NULL, len(batch.strings) - 1):
        raise ValueError("text columns point outside of strings")
    places = batch.columns["row_offsets"]
    if not _lie_within(places, 0, batch.to_offset - batch.from_offset):
        raise ValueError("rows lie outside of the coverage")
    if (places[1:] <= places[:-1]).any():
        raise ValueError("rows are not in source order")


def _lie_within(column: Column, least: int, most: int) -> bool:
    return not len(column) or bool(least <= column.min() and column.max() <= most)


def columns_of(rows: Sequence[SourceRow], from_offset: int) -> tuple[list[str], dict[str, Column]]:
    """`strings` and columns of `rows`, for a batch whose coverage begins at `from_offset`.

    Every event has a `listened_at`: the sequencer replaces null by the record's time.
    """
    events = [row.event for row in rows]
    positions: dict[str, int] = {}
    columns = {
        name: _positions([event.get(field_name) for event in events], positions)
        for name, field_name in TEXT_COLUMNS.items()
    }
    columns |= {
        "row_offsets": _column("row_offsets", [row.offset - from_offset for row in rows]),
        "appended_at": _column("appended_at", [row.appended_at for row in rows]),
        "event_keys": _event_keys(events),
        "kinds": _column("kinds", [KIND_CODES[event["kind"]] for event in events]),
        "listened_at": _column("listened_at", [event["listened_at"] for event in events]),
        "ms_played": _lengths("ms_played", events),
        "duration_ms": _lengths("duration_ms", events),
    }
    return list(positions), columns


def _column(name: str, values: list[int]) -> Column:
    return np.array(values, _DTYPES[name])


def _lengths(name: str, events: list[EventFields]) -> Column:
    return _column(name, [NULL if event[name] is None else event[name] for event in events])


def _event_keys(events: list[EventFields]) -> Column:
    return np.frombuffer(b"".join([event_key_of(event["event_id"]) for event in events]), "V16")


def _positions(texts: list[str | None], positions: dict[str, int]) -> Column:
    position_of = positions.setdefault
    found = [NULL if text is None else position_of(text, len(positions)) for text in texts]
    return np.array(found, "<i4")
