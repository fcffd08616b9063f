"""A control record is in the log when its writer returns."""

from typing import Any

import pytest

from streams.sequencing import control_writer
from streams.sequencing.control_writer import ControlWriter
from topics.control_records import SourceAdded
from topics.learning_log import decode_log_record

RECORD = SourceAdded(b"n" * 16, "listening-events")


class AProducer:
    """Reports each record as `offsets` say (None: it did not land)."""

    def __init__(self, *offsets: int | None) -> None:
        self.offsets = [*offsets]
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.renewed = 0

    async def produce(self, topic: str, report: Any, **message: Any) -> None:
        self.sent.append((topic, message))
        report(self.offsets.pop(0))

    def renew(self) -> None:
        self.renewed += 1


async def test_a_record_is_written_to_the_one_partition_of_the_log() -> None:
    producer = AProducer(41)
    writer = ControlWriter(producer, "learning-log")
    await writer.write(RECORD)
    [(topic, message)] = producer.sent
    assert (topic, message["partition"]) == ("learning-log", 0)
    assert decode_log_record(message["value"], 41) == RECORD
    assert writer.end == 42


async def test_a_record_that_did_not_land_is_sent_by_a_producer_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(control_writer, "RETRY_S", 0.0)
    producer = AProducer(None, None, 7)
    writer = ControlWriter(producer, "learning-log")
    await writer.write(RECORD)
    assert (len(producer.sent), producer.renewed, writer.end) == (3, 2, 8)
