"""Faust's aiokafka transport, yielding one message per fetched chunk of a partition.

Faust costs about 0.1 ms per message. A message here is a whole chunk (its value is the list of
records, its offset the last one that it covers), so that this cost is paid once per chunk; chunks
grow as load rises. Kafka never chooses the position at which a partition is read:
`starting_positions` returns it, and a position that the topic does not have stops the worker.

Only records of committed transactions are read. A chunk also covers the offsets behind its records
that hold no record, and has no records at all where there are only such offsets.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import structlog
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.transport.drivers import aiokafka
from faust.types import TP, ConsumerMessage, Message

from streams.kafka.backpressure import ChunksInFlight
from streams.kafka.chunks import Fetched, Positions, StartingPositions, chunks_of
from streams.kafka.consumer_thread import BatchConsumerThread
from topics.errors import PositionError

_log = structlog.get_logger(__name__)

_GETMANY_TIMEOUT_S = 1.0
_REVOKE_COMMIT_TIMEOUT_S = 2.0
_COMMIT_AGAIN_S = 0.5
VACANT_FOR_S = 1.0
"""Time for which offsets without a record wait for the next record of their partition."""
_LOG_APPEND_TIME = 1


class BatchConsumer(aiokafka.Consumer):
    """Consumer whose messages are chunks; at most `chunks_in_flight_max` are unacknowledged.

    Chunks of a partition are acknowledged in the order in which they came (`ChunksInFlight`). The
    class has more than 15 methods because ten of them replace methods of Faust's consumer.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = _NoReadOffsets()
        self._positions: dict[TP, int] = {}
        self._to_seek: set[TP] = set()
        self._vacant_since_s: dict[TP, float] = {}
        self._chunks = ChunksInFlight()
        self._position_version = 0
        self._has_positions = False
        self._finding_positions: asyncio.Future[Positions] | None = None
        self._changed = asyncio.Event()

    def _new_consumer_thread(self) -> "BatchConsumerThread":
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # -- called by agents ----------------------------------------------------------------------

    def restart_from_positions(self) -> None:
        """Drops every chunk in flight; all partitions begin at `starting_positions` again."""
        self._position_version += 1
        self._has_positions = False
        self._chunks.drop()
        if self._finding_positions is not None:
            self._finding_positions.cancel()
        self._changed.set()

    def is_current(self, message: Message) -> bool:
        """Whether `message` may still be acknowledged: no position was reset after its fetch."""
        return self._chunks.is_current(message)

    def pause(self, tp: TP) -> None:
        """Stops fetching `tp`; its chunks in flight do not count towards backpressure."""
        self._chunks.pause(tp)
        self._changed.set()

    def resume(self, tp: TP) -> None:
        """Fetches `tp` again."""
        self._chunks.resume(tp)
        self._changed.set()

    def ack(self, message: Message) -> bool:
        """Acknowledges a chunk, which frees capacity for another one."""
        message.acked = True
        if not self._chunks.acknowledge(message):
            return False
        self._unacked_messages.discard(message)
        self._changed.set()
        return True

    # -- fetching ------------------------------------------------------------------------------

    async def _drain_messages(self, fetcher: Any) -> None:
        """Passes chunks to the agents; Faust's own loop costs two tasks per message."""
        try:
            while not (self.should_stop or fetcher.should_stop):
                await asyncio.sleep(0)
                async for _, message in self.getmany(_GETMANY_TIMEOUT_S):
                    await self._hand_out(message)
        except (*self.consumer_stopped_errors, asyncio.CancelledError):
            if not self.transport.app.should_stop:
                raise

    async def _hand_out(self, message: Message) -> None:
        if self.app.flow_control.is_active():  # then there is nothing to wait for
            await self.callback(message)
        else:
            await self.wait_first(self.callback(message), self.suspend_flow.wait())

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """Fetches once and yields a message per chunk."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        if not self._has_positions:
            await self._set_positions()
            return
        version = self._position_version
        await self._seek_pending()
        await self._wait_for_capacity()
        if version != self._position_version:
            return
        fetched = await self._fetch(timeout)
        self._to_seek |= fetched.keys()
        for tp, part in fetched.items():
            for chunk, next_offset in self._chunks_of(tp, part):
                await self._wait_for_capacity()
                if version != self._position_version or not self.flow_active or self.should_stop:
                    return
                self._positions[tp] = next_offset
                yield tp, self._in_flight_message(tp, chunk, next_offset)
            self._to_seek.discard(tp)

    def _chunks_of(self, tp: TP, fetched: Fetched) -> Iterator[tuple[list[Any], int]]:
        """Chunks, each with the offset after it.

        Vacant offsets wait for the next record, which covers them, and are a chunk of their own if
        none comes. Otherwise each aborted transaction would make a record of the log.
        """
        chunks = [*chunks_of(fetched.records)]
        now_s = asyncio.get_running_loop().time()
        if chunks:
            self._vacant_since_s.pop(tp, None)
        elif now_s - self._vacant_since_s.setdefault(tp, now_s) >= VACANT_FOR_S:
            del self._vacant_since_s[tp]
            yield [], fetched.next
        for chunk in chunks:
            yield chunk, fetched.next if chunk is chunks[-1] else chunk[-1].offset + 1

    def _in_flight_message(self, tp: TP, chunk: list[Any], next_offset: int) -> ConsumerMessage:
        message = ConsumerMessage(
            tp.topic,
            tp.partition,
            next_offset - 1,
            chunk[-1].timestamp / 1000.0 if chunk else 0.0,
            _LOG_APPEND_TIME,
            (),
            None,
            chunk,
            None,
            0,
            0,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )
        self._chunks.add(message)
        return message

    async def _fetch(self, timeout: float) -> dict[TP, Fetched]:
        wanted = self._get_active_partitions() & self._positions.keys() - self._chunks.paused
        if not wanted:
            await self._wait_for_change(timeout)
            return {}
        try:
            fetched: dict[TP, Fetched] = await self._thread.getmany(wanted, timeout)
        except NoOffsetForPartitionError:
            return {}  # a fetch by aiokafka itself, before its first seek
        except OffsetOutOfRangeError as error:
            self._check_range(error)
            return {}
        return {tp: part for tp, part in fetched.items() if part.next > self._positions[tp]}

    def _check_range(self, error: OffsetOutOfRangeError) -> None:
        """Raises if the offset is the next one to read, and not of a fetch by aiokafka itself."""
        for tp, offset in error.args[0].items():
            if self._positions.get(TP(tp.topic, tp.partition)) == offset:
                raise PositionError(
                    f"{tp.topic}/{tp.partition} does not have offset {offset}, the next to read.",
                    "It was cut or recreated. Start the worker again: it reports the details.",
                ) from error

    async def _wait_for_capacity(self) -> None:
        most = self.transport.chunks_in_flight_max
        while not self._chunks.has_capacity(most) and self.flow_active and not self.should_stop:
            self._changed.clear()
            await self._changed.wait()

    async def _wait_for_change(self, timeout: float) -> None:
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), timeout)
        except TimeoutError:
            return

    # -- positions -----------------------------------------------------------------------------

    async def perform_seek(self) -> None:
        """Called by Faust after an assignment: positions are set before the next fetch."""
        self.restart_from_positions()

    async def _set_positions(self) -> None:
        version = self._position_version
        await self.commit()
        assigned = set(self.assignment())
        self._finding_positions = asyncio.ensure_future(self._starting_positions(assigned))
        try:
            await asyncio.wait({self._finding_positions})
        finally:
            self._finding_positions.cancel()
        if self._finding_positions.cancelled() or version != self._position_version:
            return
        positions = self._finding_positions.result()
        self._positions = dict(positions)
        self._vacant_since_s.clear()
        self._committed_offset = dict(positions)
        self._chunks.begin(positions)
        self._to_seek = set(positions)
        self._has_positions = True

    async def _starting_positions(self, assigned: set[TP]) -> Positions:
        if not assigned:
            return {}
        committed = await self._thread.call_thread(self._thread.committed, assigned)
        starting_positions: StartingPositions = self.transport.starting_positions
        positions = await starting_positions(assigned, committed)
        await self._commit_first({tp: at for tp, at in positions.items() if committed[tp] is None})
        return positions

    async def _commit_first(self, positions: Positions) -> None:
        """Commits the first position of partitions without a committed offset, before any read.

        Otherwise a process that dies before its first acknowledgement leaves no committed offset.
        Its successor could only start at the fold's `next`, and dead letters before it may be
        missing.
        """
        while positions and not await self._commit(positions):
            await asyncio.sleep(_COMMIT_AGAIN_S)

    async def _seek_pending(self) -> None:
        """Seeks partitions with records that were fetched but not handed out, or new positions."""
        if self._to_seek:
            positions = {tp: at for tp, at in self._positions.items() if tp in self._to_seek}
            await self._thread.call_thread(self._thread.seek_all, positions)
            self._to_seek.clear()

    # -- committing ----------------------------------------------------------------------------

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commits acknowledged and not yet committed offsets of the assigned partitions."""
        wanted = self._chunks.uncommitted(self.assignment(), self._committed_offset)
        if not wanted or not await self._commit(wanted):
            return False
        self._committed_offset.update(wanted)
        return True

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """In a rebalance: commits acknowledged offsets, then drops every chunk in flight."""
        self.stop_flow()
        try:
            await asyncio.wait_for(self.commit(), _REVOKE_COMMIT_TIMEOUT_S)
        except TimeoutError:
            _log.warning(
                "offsets were not committed in time; rows come again", revoked=len(revoked)
            )
        self.restart_from_positions()
        self._chunks.forget_acknowledged()
        await super().on_partitions_revoked(revoked)

    def stop_flow(self) -> None:
        """Stops handing out chunks."""
        super().stop_flow()
        self._changed.set()

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Does nothing: chunks are acknowledged in order, so there are no gaps to keep."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Does nothing: Faust would take a paused or idle partition for a stuck stream."""


class _NoReadOffsets(dict[TP, int | None]):
    """Keeps Faust from filtering by offset: this module manages the positions."""

    def __getitem__(self, tp: TP) -> None:
        return None

    def __setitem__(self, tp: TP, offset: int | None) -> None:
        return None
