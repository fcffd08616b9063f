"""The rows of an export: an event each, in the fields of `ListeningEvent`, and where it stands."""

import uuid
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from streams.folding.judging import JudgedRows
from topics.learning_batch import ADDITIONAL_INFO, NULL, TEXT_COLUMNS
from topics.listening_event import EventKind

_KINDS = pa.array([*map(str, EventKind)])
_EVENT_FIELDS = (
    ("event_id", pa.string()),
    ("listener_id", pa.string()),
    ("kind", pa.string()),
    ("source", pa.string()),
    ("track_id", pa.string()),
    ("artist_id", pa.string()),
    ("artist_name", pa.string()),
    ("track_name", pa.string()),
    ("release_name", pa.string()),
    ("source_track_id", pa.string()),
    ("listened_at", pa.int64()),
    ("ms_played", pa.int32()),
    ("duration_ms", pa.int32()),
    ("reason_end", pa.string()),
    ("context", pa.string()),
    ("recommendation_id", pa.string()),
)
SCHEMA = pa.schema(
    [
        *_EVENT_FIELDS,
        ("log_offset", pa.int64()),
        ("source_topic", pa.string()),
        ("source_partition", pa.int32()),
        ("source_offset", pa.int64()),
        ("verdict", pa.string()),
        (ADDITIONAL_INFO, pa.string()),
    ]
)
"""Names and types are a contract: others read these files, and `echotune import` does."""
_INTEGERS = ("listened_at", "ms_played", "duration_ms")


def rows_of(judged: JudgedRows, source_topic: str, kept: NDArray[np.bool_]) -> pa.RecordBatch:
    """The `kept` ones of the judged rows, as a table of `SCHEMA`."""
    batch, rows = judged.batch, judged.rows[kept]
    columns: dict[str, Any] = {
        "event_id": [_uuid_of(key) for key in batch.columns["event_keys"][rows].tolist()],
        "kind": _KINDS.take(pa.array(batch.columns["kinds"][rows])),
        "log_offset": np.full(len(rows), judged.log_offset),
        "source_topic": [source_topic] * len(rows),
        "source_partition": np.full(len(rows), batch.source.partition, np.int32),
        "source_offset": batch.offsets[rows],
        "verdict": [
            str(each) for each, is_kept in zip(judged.verdicts, kept, strict=True) if is_kept
        ],
    }
    columns |= {name: _integers(batch.columns[name][rows]) for name in _INTEGERS}
    strings = pa.array(batch.strings, pa.string())
    for column, name in TEXT_COLUMNS.items():
        columns[name] = strings.take(_integers(batch.columns[column][rows]))
    return pa.record_batch([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _uuid_of(key: bytes) -> str:
    return str(uuid.UUID(bytes=key))


def _integers(values: NDArray[Any]) -> pa.Array:
    return pa.array(values, mask=values == NULL)
