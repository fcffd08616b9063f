"""Writes control records to the log, and waits for each until the log has it."""

import asyncio
from typing import Any, Protocol

import structlog

from topics.control_records import ControlRecord
from topics.learning_log import encode_log_record

_log = structlog.get_logger(__name__)
RETRY_S = 5.0


class RecordProducer(Protocol):
    """What is asked of the producer; see `streams.kafka.acknowledged_producer`."""

    async def produce(self, topic: str, report: Any, **message: Any) -> None:
        """Sends a record; `report` gets its offset, None where it did not land."""
        ...

    def renew(self) -> None:
        """Begins again after a failure, without what was on its way."""
        ...


class ControlWriter:
    """Writes to the one partition of `learning_log` through `producer`."""

    def __init__(self, producer: RecordProducer, learning_log: str) -> None:
        self._producer = producer
        self._learning_log = learning_log
        self.end = 0
        """The log offset after the last control record."""

    async def write(self, control: ControlRecord) -> None:
        """Returns once the log has the record, however long that takes."""
        value = encode_log_record(control)
        while (offset := await self._landed(value)) is None:
            _log.warning("control record did not reach the log; trying again", record=control)
            await asyncio.sleep(RETRY_S)
            self._producer.renew()  # what failed for good never sends again
        self.end = offset + 1

    async def _landed(self, value: bytes) -> int | None:
        landed: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

        def report(offset: int | None) -> None:
            if not landed.done():
                landed.set_result(offset)

        await self._producer.produce(self._learning_log, report, value=value, partition=0)
        return await landed
