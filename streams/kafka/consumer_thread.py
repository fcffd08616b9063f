"""The thread in which aiokafka fetches and commits, beside the thread of the agents."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
import uvloop
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka
from faust.types import TP

from streams.kafka.chunks import Positions
from streams.kafka.pacer import Pacer

_log = structlog.get_logger(__name__)
_FETCH_WAIT_MAX_MS = 100
"""How long the broker holds a fetch that finds nothing.

Records of a partition that a fetch did not ask for wait until it is answered, too.
"""


class BatchConsumerThread(aiokafka.AIOKafkaConsumerThread):
    """The thread that talks to Kafka, with an event loop that costs it little."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, thread_loop=uvloop.new_event_loop(), **kwargs)
        self._close_thread_loop_on_stop = True

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MAX_MS
        return consumer

    async def on_start(self) -> None:
        """Starts the consumer; its fetches go out when the pacer says so."""
        await super().on_start()
        fetcher = self._ensure_consumer()._fetcher
        fetcher._proc_fetch_request = paced(
            fetcher._proc_fetch_request, Pacer(self.consumer.transport.pace)
        )

    async def getmany(
        self, active_partitions: set[TP] | None, timeout: float
    ) -> dict[Any, list[Any]]:
        """Fetches; Faust's own queue of calls costs two tasks more a fetch."""
        consumer = self._ensure_consumer()
        fetch = self._fetch_records(
            consumer, active_partitions, timeout=timeout, max_records=consumer._max_poll_records
        )
        fetched = asyncio.run_coroutine_threadsafe(fetch, self.thread_loop)
        return dict(await asyncio.wrap_future(fetched))

    async def committed(self, partitions: set[TP]) -> dict[TP, int | None]:
        """Committed offset of each partition, None where there is none."""
        found = await self._ensure_consumer()._coordinator.fetch_committed_offsets(
            [aiokafka.ensure_aiokafka_TP(tp) for tp in partitions]
        )
        offsets = {TP(tp.topic, tp.partition): at.offset for tp, at in found.items()}
        return {tp: at if (at := offsets.get(tp, -1)) >= 0 else None for tp in partitions}

    async def move(self, positions: Positions) -> None:
        """Seeks, in the thread of the fetcher, which else would take its own position back."""
        consumer = self._ensure_consumer()
        for tp, offset in positions.items():
            try:
                consumer.seek(aiokafka.ensure_aiokafka_TP(tp), offset)
            except IllegalStateError:
                continue  # revoked meanwhile; the assignment that follows settles it anew

    async def _commit(self, offsets: Positions) -> bool:
        consumer = self._ensure_consumer()
        try:
            await consumer.commit(
                {
                    aiokafka.ensure_aiokafka_TP(tp): OffsetAndMetadata(at, "")
                    for tp, at in offsets.items()
                }
            )
        except (CommitFailedError, IllegalStateError):
            return False  # revoked meanwhile: the rows come again, to whoever has the partition
        except KafkaError as error:
            _log.warning("offsets were not committed", error=str(error))
            return False
        return True


def paced(fetch: Callable[..., Awaitable[bool]], pacer: Pacer) -> Callable[..., Awaitable[bool]]:
    """`fetch`, which says whether records came, not before the next one is due."""

    async def fetch_when_due(*request: Any) -> bool:
        try:
            await asyncio.sleep(pacer.rest_s)
        except asyncio.CancelledError:  # closed, or revoked: as the fetch itself answers then
            return False
        has_come = await fetch(*request)
        if has_come:
            pacer.fetched()
        return has_come

    return fetch_when_due
