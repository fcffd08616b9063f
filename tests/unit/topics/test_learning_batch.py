"""Events in columns: whatever goes in comes out, and damaged columns are never followed."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastavro import schemaless_writer
from fastavro.schema import load_schema
from hypothesis import given
from hypothesis import strategies as st

from topics.codecs import Decoder, encode
from topics.identity import event_key_of
from topics.learning_batch import (
    NULL,
    TEXT_COLUMNS,
    LearningBatch,
    SourcePartition,
    SourceRow,
    columns_of,
)
from topics.listening_event import KIND_CODES, PLAY_LENGTH_MAX_MS, EventFields
from topics.rejection import Rejected

RELEASED = Path(__file__).parents[3] / "avro" / "released"
AnEvent = Callable[..., EventFields]
SOURCE = SourcePartition(bytes(range(16)), 3)
FROM = 1 << 40

_TEXT = st.text(max_size=20)
_LENGTH = st.none() | st.integers(0, PLAY_LENGTH_MAX_MS)
_EVENTS = st.fixed_dictionaries(
    dict.fromkeys(TEXT_COLUMNS.values(), st.none() | _TEXT)
    | {
        "event_id": _TEXT | st.uuids().map(str),
        "listener_id": st.text(min_size=1, max_size=20),
        "kind": st.sampled_from(sorted(KIND_CODES)),
        "listened_at": st.integers(0, 2**53),
        "ms_played": _LENGTH,
        "duration_ms": _LENGTH,
    }
)
_ROWS = st.dictionaries(
    st.integers(FROM, FROM + 2**31 - 2), st.tuples(st.integers(0, 2**53), _EVENTS), max_size=20
).map(lambda rows: [SourceRow(offset, *row) for offset, row in sorted(rows.items())])


def a_batch(rows: list[SourceRow], **changes: Any) -> LearningBatch:
    strings, columns = columns_of(rows, FROM)
    last = rows[-1].offset if rows else FROM
    coverage = {"from_offset": FROM, "to_offset": last}
    return LearningBatch(SOURCE, strings=strings, columns=columns, **coverage | changes)


def read_back(batch: LearningBatch) -> LearningBatch:
    decoded = Decoder(["LearningBatch"]).decode(encode("LearningBatch", batch.record()))
    assert not isinstance(decoded, Rejected)
    return LearningBatch.of_record(decoded[1])


def lengths(column: np.ndarray[Any, Any]) -> list[int | None]:
    return [None if value == NULL else value for value in column.tolist()]


@given(rows=_ROWS)
def test_events_read_back_from_their_columns(rows: list[SourceRow]) -> None:
    batch = read_back(a_batch(rows))
    events = [row.event for row in rows]
    assert len(batch) == len(rows)
    assert batch.offsets.tolist() == [row.offset for row in rows]
    assert batch.columns["appended_at"].tolist() == [row.appended_at for row in rows]
    assert batch.columns["kinds"].tolist() == [KIND_CODES[event["kind"]] for event in events]
    assert batch.columns["listened_at"].tolist() == [event["listened_at"] for event in events]
    keys = [bytes(key) for key in batch.columns["event_keys"]]
    assert keys == [event_key_of(event["event_id"]) for event in events]
    for column, field in TEXT_COLUMNS.items():
        assert batch.texts(column) == [event[field] for event in events]
    for column in ("ms_played", "duration_ms"):
        assert lengths(batch.columns[column]) == [event[column] for event in events]


@given(
    rejected=st.lists(st.tuples(st.integers(0, 2**62), st.text(max_size=20)), max_size=20),
    epoch=st.integers(0, 2**62),
    shard=st.integers(0, 1023),
    sequencer=st.text(max_size=20),
)
def test_what_is_said_about_a_batch_reads_back(
    rejected: list[tuple[int, str]], epoch: int, shard: int, sequencer: str
) -> None:
    said = {
        "rejected": rejected,
        "assignment_epoch": epoch,
        "shard": shard,
        "sequencer_id": sequencer,
        "sequencer_version": sequencer[::-1],
        "to_offset": FROM + 7,
    }
    batch = read_back(a_batch([], **said))
    assert {name: getattr(batch, name) for name in said} == said
    assert (batch.source, batch.from_offset) == (SOURCE, FROM)


def test_a_batch_without_rows_still_says_what_it_covers() -> None:
    batch = read_back(a_batch([], to_offset=FROM + 99))
    assert (len(batch), batch.from_offset, batch.to_offset) == (0, FROM, FROM + 99)
    assert batch.offsets.tolist() == []


def test_a_kind_that_is_newer_than_this_version_cannot_be_read(an_event: AnEvent) -> None:
    record = a_batch([SourceRow(FROM, 0, an_event())]).record()
    newer = record | {"kinds": bytes([len(KIND_CODES)])}
    with pytest.raises(ValueError, match="newer than this version"):
        LearningBatch.of_record(newer)


def test_a_text_that_repeats_is_stored_once_whatever_it_names(an_event: AnEvent) -> None:
    same = an_event(artist_name="Portishead", release_name="Portishead", context="Portishead")
    batch = a_batch([SourceRow(FROM + at, 0, same) for at in range(50)])
    assert list(batch.strings).count("Portishead") == 1
    assert len(batch.strings) == len(set(batch.strings))


def test_a_batch_of_the_first_version_is_read_as_one_without_additional_info(
    an_event: AnEvent,
) -> None:
    batch = a_batch([SourceRow(FROM, 0, an_event())])
    first = load_schema(RELEASED / "LearningBatch.v1.avsc")
    value = io.BytesIO()
    schemaless_writer(value, first, batch.record())
    header = b"\x00" + (1_000_000_001).to_bytes(4, "big")
    decoded = Decoder(["LearningBatch"]).decode(header + value.getvalue())
    assert not isinstance(decoded, Rejected)
    found = LearningBatch.of_record(decoded[1])
    assert found.texts("additional_infos") == [None]
    assert found.texts("listeners") == batch.texts("listeners")


def test_an_empty_text_is_not_null(an_event: AnEvent) -> None:
    batch = read_back(a_batch([SourceRow(FROM, 0, an_event(context="", reason_end=None))]))
    assert batch.texts("contexts") == [""]
    assert batch.texts("reasons_end") == [None]


def test_a_play_of_no_length_is_not_an_unknown_length(an_event: AnEvent) -> None:
    batch = read_back(a_batch([SourceRow(FROM, 0, an_event(ms_played=0, duration_ms=None))]))
    assert (batch.columns["ms_played"][0], batch.columns["duration_ms"][0]) == (0, NULL)


def test_a_thousand_events_of_a_few_listeners_cost_less_than_100_bytes_each(
    an_event: AnEvent,
) -> None:
    rows = [
        SourceRow(FROM + at, 0, an_event(listener_id=f"l{at % 7}", track_id=f"t{at % 90}"))
        for at in range(1_000)
    ]
    assert len(encode("LearningBatch", a_batch(rows).record())) < 100_000


def test_columns_of_a_read_batch_cannot_be_changed(an_event: AnEvent) -> None:
    batch = read_back(a_batch([SourceRow(FROM, 0, an_event())]))
    with pytest.raises(ValueError, match="read-only"):
        batch.columns["kinds"][0] = 7


def an_int32(*values: int) -> bytes:
    return np.array(values, "<i4").tobytes()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param({"kinds": b"\x01"}, "differ in length", id="a short column"),
        pytest.param({"listeners": b"\x00\x00\x00"}, "multiple", id="part of a number"),
        pytest.param({"listeners": an_int32(0, 99)}, "outside of strings", id="beyond strings"),
        pytest.param({"contexts": an_int32(-2, 0)}, "outside of strings", id="below null"),
        pytest.param({"strings": []}, "outside of strings", id="no strings"),
        pytest.param({"row_offsets": an_int32(-1, 0)}, "coverage", id="before the coverage"),
        pytest.param({"row_offsets": an_int32(0, 2)}, "coverage", id="beyond the coverage"),
        pytest.param({"row_offsets": an_int32(1, 0)}, "order", id="out of order"),
        pytest.param({"row_offsets": an_int32(1, 1)}, "order", id="an offset twice"),
    ],
)
def test_columns_that_do_not_fit_are_not_followed(
    damage: dict[str, Any], message: str, an_event: AnEvent
) -> None:
    rows = [SourceRow(FROM, 0, an_event()), SourceRow(FROM + 1, 0, an_event())]
    with pytest.raises(ValueError, match=message):
        LearningBatch.of_record(a_batch(rows).record() | damage)
