"""The thread in which aiokafka fetches and commits, separate from the agents' thread."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
import uvloop
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka
from faust.types import TP

from streams.kafka.chunks import Fetched, Positions
from streams.kafka.group_refusal import group_refusal, is_final
from streams.kafka.pacer import Pacer

_GROUP_EVERY_S = 0.5
_log = structlog.get_logger(__name__)
_FETCH_WAIT_MAX_MS = 100
"""Maximum time for which the broker delays the response to a fetch that finds no record.

Records of partitions that are not in this fetch wait for its response, too.
"""


class BatchConsumerThread(aiokafka.AIOKafkaConsumerThread):
    """The thread of the Kafka client, with a fast event loop (uvloop)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, thread_loop=uvloop.new_event_loop(), **kwargs)
        self._close_thread_loop_on_stop = True

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MAX_MS
        consumer._isolation_level = "read_committed"  # Faust has it only for its transactions
        return consumer

    async def on_start(self) -> None:
        """Starts the consumer; the pacer delays its fetches."""
        await super().on_start()
        fetcher = self._ensure_consumer()._fetcher
        fetcher._proc_fetch_request = paced(
            fetcher._proc_fetch_request, Pacer(self.consumer.transport.pace)
        )
        self.add_future(self._watch_group())

    async def _watch_group(self) -> None:
        """Crashes the app if the broker refuses the group; nobody else asks aiokafka for it."""
        coordinator = self._ensure_consumer()._coordinator
        while not self.should_stop:
            await asyncio.sleep(_GROUP_EVERY_S)
            try:
                coordinator.check_errors()
            except KafkaError as error:  # it is taken by this, and aiokafka tries again
                if not is_final(error):
                    _log.warning("the group is not joined yet", error=str(error))
                    continue
                app = self.consumer.app
                refusal = group_refusal(app.conf.id, error)
                asyncio.run_coroutine_threadsafe(app.crash(refusal), self.consumer.loop)
                return

    async def getmany(self, active_partitions: set[TP], timeout: float) -> dict[TP, Fetched]:
        """Fetches; Faust's own queue of calls would cost two more tasks per fetch."""
        fetch = self._fetch(active_partitions, timeout)
        fetched = asyncio.run_coroutine_threadsafe(fetch, self.thread_loop)
        return await asyncio.wrap_future(fetched)

    async def _fetch(self, wanted: set[TP], timeout: float) -> dict[TP, Fetched]:
        """Records of the wanted partitions, and positions that passed offsets without a record."""
        consumer = self._ensure_consumer()
        records = await self._fetch_records(
            consumer, wanted, timeout=timeout, max_records=consumer._max_poll_records
        )
        positions = _positions(consumer, wanted)
        return {tp: Fetched(records.get(tp, []), at) for tp, at in positions.items()}

    def highwater(self, tp: TP) -> int | None:
        """Offset after the last record that can be read; None before the first fetch.

        Records of an open transaction cannot be read yet (last stable offset).
        """
        end: int | None = self._ensure_consumer().last_stable_offset(tp)
        return end

    async def committed(self, partitions: set[TP]) -> dict[TP, int | None]:
        """Committed offset of each partition, None if there is none."""
        found = await self._ensure_consumer()._coordinator.fetch_committed_offsets(
            [aiokafka.ensure_aiokafka_TP(tp) for tp in partitions]
        )
        offsets = {TP(tp.topic, tp.partition): at.offset for tp, at in found.items()}
        return {tp: at if (at := offsets.get(tp, -1)) >= 0 else None for tp in partitions}

    async def seek_all(self, positions: Positions) -> None:
        """Seeks in the fetcher's thread; otherwise the fetcher could overwrite the position."""
        consumer = self._ensure_consumer()
        for tp, offset in positions.items():
            try:
                consumer.seek(aiokafka.ensure_aiokafka_TP(tp), offset)
            except IllegalStateError:
                continue  # revoked in the meantime; the next assignment sets its position

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
            return False  # revoked in the meantime: the new owner reads the rows again
        except KafkaError as error:
            _log.warning("offsets were not committed", error=str(error))
            return False
        return True


def _positions(consumer: Any, wanted: set[TP]) -> dict[TP, int]:
    """The offset that aiokafka reads next in each of the `wanted` partitions that it owns."""
    assignment = consumer._subscription.subscription.assignment
    owned = assignment.tps if assignment is not None else ()
    states = {tp: assignment.state_value(tp) for tp in wanted if tp in owned}
    return {tp: state.position for tp, state in states.items() if state.has_valid_position}


def paced(fetch: Callable[..., Awaitable[bool]], pacer: Pacer) -> Callable[..., Awaitable[bool]]:
    """Delays `fetch`, which returns whether records came, until the pacer's next due time."""

    async def fetch_when_due(*request: Any) -> bool:
        try:
            await asyncio.sleep(pacer.wait_s)
        except asyncio.CancelledError:  # closed or revoked: `fetch` itself returns False then
            return False
        has_come = await fetch(*request)
        if has_come:
            pacer.fetched()
        return has_come

    return fetch_when_due
