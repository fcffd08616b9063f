"""Writes control records to the log, and waits until each is acknowledged."""

import asyncio
from typing import Any, Protocol

import structlog

from topics.control_records import ControlRecord
from topics.learning_log import encode_log_record

_log = structlog.get_logger(__name__)
RETRY_S = 5.0


class RecordProducer(Protocol):
    """The methods of `streams.kafka.idempotent_producer` that are used here."""

    async def produce(self, topic: str, report: Any, **message: Any) -> None:
        """Sends a record; `report` is called with its offset, or with None if the write failed."""
        ...

    def renew(self) -> None:
        """Drops the records in flight, and starts a new producer."""
        ...


class ControlWriter:
    """Writes to the only partition of `learning_log` through `producer`."""

    def __init__(self, producer: RecordProducer, learning_log: str) -> None:
        self._producer = producer
        self._learning_log = learning_log
        self.end = 0
        """The log offset after the last control record."""

    async def write(self, control: ControlRecord) -> None:
        """Returns as soon as the log has the record; retries without a limit."""
        value = encode_log_record(control)
        while (offset := await self._write_and_wait(value)) is None:
            _log.warning("control record did not reach the log; trying again", record=control)
            await asyncio.sleep(RETRY_S)
            self._producer.renew()  # after a fatal error a producer sends nothing more
        self.end = offset + 1

    async def _write_and_wait(self, value: bytes) -> int | None:
        written: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

        def report(offset: int | None) -> None:
            if not written.done():
                written.set_result(offset)

        await self._producer.produce(self._learning_log, report, value=value, partition=0)
        return await written
