"""Records of the learning-log: every kind reads back, and damage stops the reader."""

from collections.abc import Callable

import pytest

from topics.catalogue import LEARNING_LOG
from topics.codecs import HEADER_BYTES, encode
from topics.control_records import (
    ControlRecord,
    LogEpochStarted,
    SourceAdded,
    SourceTruncated,
    StrayRecord,
    fields_of,
)
from topics.errors import LogError
from topics.learning_batch import LearningBatch, SourcePartition, SourceRow, columns_of
from topics.learning_log import decode_log_record, encode_log_record, record_hash
from topics.listening_event import EventFields

AnEvent = Callable[..., EventFields]
TOPIC_ID = b"\x00\xff" * 8

CONTROL_RECORDS = [
    SourceAdded(TOPIC_ID, "listening-events"),
    SourceAdded(TOPIC_ID, "listening-events", adopted=True),
    SourceTruncated(TOPIC_ID, partition=11, log_start=1 << 50),
    LogEpochStarted(epoch=3, reason="the tail was lost in a power cut"),
]


def a_batch(an_event: AnEvent) -> LearningBatch:
    strings, columns = columns_of([SourceRow(4, 0, an_event())], 4)
    return LearningBatch(SourcePartition(TOPIC_ID, 0), 4, 6, strings, columns)


@pytest.mark.parametrize("control", CONTROL_RECORDS, ids=str)
def test_a_control_record_reads_back(control: ControlRecord) -> None:
    assert decode_log_record(encode_log_record(control), 0) == control


def test_every_control_record_of_the_log_is_tested_here() -> None:
    names = {type(each).__name__ for each in CONTROL_RECORDS}
    assert names | {"LearningBatch"} == set(LEARNING_LOG.contracts)


def test_a_batch_reads_back(an_event: AnEvent) -> None:
    batch = decode_log_record(encode_log_record(a_batch(an_event)), 0)
    assert isinstance(batch, LearningBatch)
    assert batch.record() == a_batch(an_event).record()


def test_the_same_batch_is_always_the_same_bytes(an_event: AnEvent) -> None:
    assert encode_log_record(a_batch(an_event)) == encode_log_record(a_batch(an_event))


def test_a_batch_cut_at_any_length_stops_the_reader(an_event: AnEvent) -> None:
    value = encode_log_record(a_batch(an_event))
    for length in range(HEADER_BYTES, len(value)):
        with pytest.raises(LogError):
            decode_log_record(value[:length], 0)


def test_columns_that_do_not_fit_are_damage_too(an_event: AnEvent) -> None:
    record = a_batch(an_event).record() | {"kinds": b"\x01\x01"}
    with pytest.raises(LogError, match="differ in length") as caught:
        decode_log_record(encode("LearningBatch", record), 0)
    assert "topics void learning-log 0 0" in caught.value.remedy


@pytest.mark.parametrize("control", CONTROL_RECORDS, ids=str)
def test_the_fields_of_a_control_record_are_those_of_its_contract(control: ControlRecord) -> None:
    assert type(control)(**fields_of(control)) == control


def test_the_hash_of_a_record_is_of_its_bytes_and_its_time_and_snapshots_keep_it() -> None:
    assert record_hash(b"r", 1) == "d44ba5ff37046cb85ae21853f0a75704"
    assert record_hash(b"r", 2) == "bd0357aed18aed35926b5a4df67726bc"


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"hello",
        b'{"json": 1}',
        b"\x00\x00\x00\x00\x07 of a registry",
        b"\x00" + (1_000_000_000).to_bytes(4, "big") + b"an event in the wrong topic",
    ],
)
def test_what_nothing_of_echotune_writes_to_the_log_is_a_stray_record(value: bytes | None) -> None:
    assert isinstance(decode_log_record(value, 7), StrayRecord)
    assert record_hash(value, 3)


@pytest.mark.parametrize("schema_id", [1_000_000_001, 1_000_000_999])
def test_what_may_be_ours_and_cannot_be_read_halts_and_names_the_command_that_passes_it(
    schema_id: int,
) -> None:
    value = b"\x00" + schema_id.to_bytes(4, "big") + b"\xff"
    with pytest.raises(LogError, match=r"record 7 cannot be read.*topics void learning-log 0 7"):
        decode_log_record(value, 7)
