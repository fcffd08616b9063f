"""Records of the learning-log: every kind reads back, and damage stops the reader."""

from collections.abc import Callable

import pytest

from topics.catalogue import LEARNING_LOG
from topics.codecs import encode
from topics.control_records import (
    ControlRecord,
    LogEpochStarted,
    SourceAdded,
    SourceTruncated,
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


@pytest.mark.parametrize("value", [None, b"", b"\x00\x00\x00\x00\x07", b"text"])
def test_a_record_that_nobody_wrote_stops_the_reader_and_names_its_offset(
    value: bytes | None,
) -> None:
    with pytest.raises(LogError, match=r"record 41 cannot be read"):
        decode_log_record(value, 41)


def test_a_contract_of_another_topic_is_damage_here(an_event: AnEvent) -> None:
    with pytest.raises(LogError, match="does not belong"):
        decode_log_record(encode("ListeningEvent", an_event()), 0)


def test_a_batch_cut_at_any_length_stops_the_reader(an_event: AnEvent) -> None:
    value = encode_log_record(a_batch(an_event))
    for length in range(len(value)):
        with pytest.raises(LogError):
            decode_log_record(value[:length], 0)


def test_columns_that_do_not_fit_are_damage_too(an_event: AnEvent) -> None:
    record = a_batch(an_event).record() | {"kinds": b"\x01\x01"}
    with pytest.raises(LogError, match="differ in length") as caught:
        decode_log_record(encode("LearningBatch", record), 0)
    assert "Upgrade" in caught.value.remedy


@pytest.mark.parametrize("control", CONTROL_RECORDS, ids=str)
def test_the_fields_of_a_control_record_are_those_of_its_contract(control: ControlRecord) -> None:
    assert type(control)(**fields_of(control)) == control


def test_the_hash_of_a_record_is_of_its_bytes_and_its_time_and_snapshots_keep_it() -> None:
    assert record_hash(b"r", 1) == "d44ba5ff37046cb85ae21853f0a75704"
    assert record_hash(b"r", 2) == "bd0357aed18aed35926b5a4df67726bc"
