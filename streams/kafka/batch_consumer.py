"""Faust's aiokafka transport, yielding one message per fetched chunk of a partition.

Faust costs about 0.1 ms a message. With a whole chunk as the message (value: the list of
records, offset: the last one's) that cost is spread over the chunk, which grows by itself as load
rises. The position at which a partition is read is never Kafka's choice: `starting_positions`
says it, and a position that the topic does not have stops the worker.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import structlog
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.transport.drivers import aiokafka
from faust.types import TP, ConsumerMessage, Message

from streams.kafka.chunks import Positions, StartingPositions, chunks_of
from streams.kafka.chunks_in_flight import ChunksInFlight
from streams.kafka.consumer_thread import BatchConsumerThread
from topics.errors import PositionError

_log = structlog.get_logger(__name__)

_GETMANY_TIMEOUT_S = 1.0
_REVOKE_COMMIT_TIMEOUT_S = 2.0
_COMMIT_AGAIN_S = 0.5


class BatchConsumer(aiokafka.Consumer):
    """Consumer whose messages are chunks; at most `chunks_in_flight_max` are unacknowledged.

    Chunks of a partition are acknowledged in the order in which they came (`ChunksInFlight`). The
    class has more than 15 methods because ten of them replace methods of Faust's consumer.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = _NoReadOffsets()
        self._positions: dict[TP, int] = {}
        self._behind: set[TP] = set()
        self._chunks = ChunksInFlight()
        self._moves = 0
        self._is_settled = False
        self._settling: asyncio.Future[Positions] | None = None
        self._woken = asyncio.Event()

    def _new_consumer_thread(self) -> "BatchConsumerThread":
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # -- what agents ask for -------------------------------------------------------------------

    def begin_again(self) -> None:
        """Drops every chunk in flight; all partitions begin where `starting_positions` says."""
        self._moves += 1
        self._is_settled = False
        self._chunks.drop()
        if self._settling is not None:
            self._settling.cancel()
        self._woken.set()

    def is_current(self, message: Message) -> bool:
        """Whether `message` may still be acknowledged: nothing moved since it was fetched."""
        return self._chunks.is_current(message)

    def hold(self, tp: TP) -> None:
        """Fetches no more of `tp` for now; its chunks in flight take no room from others."""
        self._chunks.hold(tp)
        self._woken.set()

    def release(self, tp: TP) -> None:
        """Fetches `tp` again."""
        self._chunks.release(tp)
        self._woken.set()

    def ack(self, message: Message) -> bool:
        """Acknowledges a chunk, which makes room for another."""
        message.acked = True
        if not self._chunks.acknowledge(message):
            return False
        self._unacked_messages.discard(message)
        self._woken.set()
        return True

    # -- fetching ------------------------------------------------------------------------------

    async def _drain_messages(self, fetcher: Any) -> None:
        """Hands chunks to the agents; Faust's own loop costs two tasks a message."""
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
        if not self._is_settled:
            await self._settle()
            return
        moves = self._moves
        await self._catch_up()
        await self._room()
        if moves != self._moves:
            return
        records = await self._fetch(timeout)
        self._behind |= records.keys()
        for tp, fetched in records.items():
            for chunk in chunks_of(fetched):
                await self._room()
                if moves != self._moves or not self.flow_active or self.should_stop:
                    return
                self._positions[tp] = chunk[-1].offset + 1
                yield tp, self._in_flight_message(TP(tp.topic, tp.partition), chunk)
            self._behind.discard(tp)

    def _in_flight_message(self, tp: TP, chunk: list[Any]) -> ConsumerMessage:
        last = chunk[-1]
        message = ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
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

    async def _fetch(self, timeout: float) -> dict[TP, list[Any]]:
        wanted = self._get_active_partitions() & self._positions.keys() - self._chunks.held
        if not wanted:
            await self._wake(timeout)
            return {}
        try:
            return dict(await self._thread.getmany(wanted, timeout))
        except NoOffsetForPartitionError:
            return {}  # asked for by aiokafka itself, before it was told where to begin
        except OffsetOutOfRangeError as error:
            self._check_range(error)
            return {}

    def _check_range(self, error: OffsetOutOfRangeError) -> None:
        """Raises unless the fetch was aiokafka's own, from where nobody wants to read."""
        for tp, offset in error.args[0].items():
            if self._positions.get(TP(tp.topic, tp.partition)) == offset:
                raise PositionError(
                    f"{tp.topic}/{tp.partition} does not have offset {offset}, the next to read.",
                    "It was cut or made anew. Start the worker again: it compares and says more.",
                ) from error

    async def _room(self) -> None:
        most = self.transport.chunks_in_flight_max
        while not self._chunks.has_room(most) and self.flow_active and not self.should_stop:
            self._woken.clear()
            await self._woken.wait()

    async def _wake(self, timeout: float) -> None:
        self._woken.clear()
        try:
            await asyncio.wait_for(self._woken.wait(), timeout)
        except TimeoutError:
            return

    # -- positions -----------------------------------------------------------------------------

    async def perform_seek(self) -> None:
        """Faust's wish after an assignment: every position is asked for before the next fetch."""
        self.begin_again()

    async def _settle(self) -> None:
        moves = self._moves
        await self.commit()
        assigned = set(self.assignment())
        self._settling = asyncio.ensure_future(self._starting_positions(assigned))
        try:
            await asyncio.wait({self._settling})
        finally:
            self._settling.cancel()
        if self._settling.cancelled() or moves != self._moves:
            return
        positions = self._settling.result()
        self._positions = dict(positions)
        self._committed_offset = dict(positions)
        self._chunks.begin(positions)
        self._behind = set(positions)
        self._is_settled = True

    async def _starting_positions(self, assigned: set[TP]) -> Positions:
        if not assigned:
            return {}
        committed = await self._thread.call_thread(self._thread.committed, assigned)
        starting_positions: StartingPositions = self.transport.starting_positions
        positions = await starting_positions(assigned, committed)
        await self._commit_first({tp: at for tp, at in positions.items() if committed[tp] is None})
        return positions

    async def _commit_first(self, positions: Positions) -> None:
        """Commits where a partition begins that nobody ever committed, before it is read.

        Whoever dies before its first acknowledgement would else leave nothing that says so, and
        its heir could only ask how far its effects came: some of them may be missing.
        """
        while positions and not await self._commit(positions):
            await asyncio.sleep(_COMMIT_AGAIN_S)

    async def _catch_up(self) -> None:
        """Seeks where what was fetched was not handed out, and after an assignment."""
        if self._behind:
            positions = {tp: at for tp, at in self._positions.items() if tp in self._behind}
            await self._thread.call_thread(self._thread.move, positions)
            self._behind.clear()

    # -- committing ----------------------------------------------------------------------------

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commits what is acknowledged and not yet committed, of partitions that are assigned."""
        wanted = self._chunks.uncommitted(self.assignment(), self._committed_offset)
        if not wanted or not await self._commit(wanted):
            return False
        self._committed_offset.update(wanted)
        return True

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commits what is acknowledged, then forgets every chunk in flight."""
        self.stop_flow()
        try:
            await asyncio.wait_for(self.commit(), _REVOKE_COMMIT_TIMEOUT_S)
        except TimeoutError:
            _log.warning(
                "offsets were not committed in time; rows come again", revoked=len(revoked)
            )
        self.begin_again()
        self._chunks.forget_acknowledged()
        await super().on_partitions_revoked(revoked)

    def stop_flow(self) -> None:
        """Stops handing out chunks."""
        super().stop_flow()
        self._woken.set()

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Chunks are acknowledged in order: there are no gaps to remember."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's guess whether a stream is stuck; a held or idle partition is not."""


class _NoReadOffsets(dict[TP, int | None]):
    """Keeps Faust from filtering by offset: positions are this module's."""

    def __getitem__(self, tp: TP) -> None:
        return None

    def __setitem__(self, tp: TP, offset: int | None) -> None:
        return None
