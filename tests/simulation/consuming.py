"""`BatchConsumer` itself over a simulated broker: this module replaces Faust's part beneath it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

from aiokafka.errors import OffsetOutOfRangeError
from faust.transport.drivers import aiokafka
from faust.types import TP

from streams.kafka.batch_consumer import BatchConsumer
from streams.kafka.chunks import Fetched, StartingPositions
from tests.simulation.broker import Group, Partition
from tests.simulation.edge import Edge

CHUNKS_IN_FLIGHT_MAX = 4
COMMIT_FAILS, COMMIT_UNKNOWN = 0.02, 0.02
BEHIND_S = 1e-6
"""Minimum time between two messages of the group, so that their order is kept."""


@dataclass
class Membership:
    """The configuration of a worker's consumer."""

    edge: Edge
    group: Group
    partitions: dict[TP, Partition]
    records_max: int
    starting_positions: StartingPositions
    on_revoked: Callable[[], None]
    on_assigned: Callable[[set[TP]], None]
    age: int


class _Beneath(aiokafka.Consumer):
    """Faust's part: the group, the fetches and the commits."""

    should_stop = False

    def __init__(self, wanted: Membership) -> None:
        self._wanted = wanted
        self._edge = wanted.edge
        self.name, self.age = wanted.edge.name, wanted.age
        self.app = SimpleNamespace(consumer_generation_id=0)
        self.transport = SimpleNamespace(
            chunks_in_flight_max=CHUNKS_IN_FLIGHT_MAX,
            starting_positions=wanted.starting_positions,
        )
        self.flow_active = True
        self.can_resume_flow, self.suspend_flow = asyncio.Event(), asyncio.Event()
        self._unacked_messages = WeakSet()
        self._commit_fut = None
        self._committed_offset: dict[TP, int | None] = {}
        self._thread = SimpleNamespace(
            call_thread=_awaited,
            committed=self._read_committed,
            getmany=self._getmany,
            seek_all=self._seek_all,
        )
        self._in_order = asyncio.Lock()
        self._has: set[TP] = set()
        self._generation = 0
        self._word_s = 0.0
        self._fetch_at: dict[TP, int] = {}
        self.was_cut = False

    # -- the group -------------------------------------------------------------------------------

    def ask_to_rejoin(self) -> "asyncio.Future[None]":
        """Begins a rebalance; the future is resolved when this has returned its partitions."""
        rejoined = self._edge.loop.create_future()
        self._soon(self._rejoin, rejoined)
        return rejoined

    def receive(self, generation: int, has: set[TP]) -> None:
        """Receives the assignment of a rebalance."""
        self._soon(self._take, generation, has)

    def _soon(self, call: Callable[..., Awaitable[None]], *args: Any) -> None:
        edge = self._edge
        arrives_s = edge.loop.time() + edge.delay("a word of the group")
        self._word_s = max(self._word_s + BEHIND_S, arrives_s)
        edge.loop.call_at(
            self._word_s,
            lambda: asyncio.ensure_future(call(*args)),
            context=edge.process.context,
        )

    async def _rejoin(self, rejoined: "asyncio.Future[None]") -> None:
        await self.give_back()
        if not rejoined.done():
            rejoined.set_result(None)

    async def give_back(self) -> None:
        """Returns all partitions to the group."""
        async with self._in_order:
            await self.on_partitions_revoked(set(self._has))

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Calls the worker's callback, as Faust does."""
        self._has = set()
        self._wanted.on_revoked()

    async def _take(self, generation: int, has: set[TP]) -> None:
        async with self._in_order:
            self._generation, self._has = generation, has
            self._fetch_at.clear()
            self._wanted.on_assigned(has)
            await self.perform_seek()
            self.resume_flow()

    def assignment(self) -> set[TP]:
        """Partitions that this consumer believes to own."""
        return set(self._has)

    def _get_active_partitions(self) -> set[TP]:
        return set(self._has)

    # -- fetching --------------------------------------------------------------------------------

    async def wait(self, event: Any) -> None:
        """Waits for an event."""
        await event.wait()

    async def _seek_all(self, positions: dict[TP, int]) -> None:
        self._fetch_at.update({tp: at for tp, at in positions.items() if tp in self._has})

    async def _getmany(self, wanted: set[TP], timeout: float) -> dict[TP, Fetched]:
        loop = self._edge.loop
        until_s = loop.time() + timeout
        await asyncio.sleep(self._edge.delay("a fetch"))
        while not (found := self._fetched(wanted)) and loop.time() < until_s:
            partitions = [self._wanted.partitions[tp] for tp in sorted(wanted)]
            await self._edge.broker.something_new(partitions, until_s - loop.time())
        owned = sorted(wanted & self._fetch_at.keys())
        return {tp: Fetched(found.get(tp, []), self._fetch_at[tp]) for tp in owned}

    def _fetched(self, wanted: set[TP]) -> dict[TP, list[Any]]:
        found = {}
        for tp in sorted(wanted & self._fetch_at.keys()):
            at, partition = self._fetch_at[tp], self._wanted.partitions[tp]
            if at > partition.end or self.was_cut:
                raise OffsetOutOfRangeError({tp: at})
            most = 1 + int(self._wanted.records_max * self._edge.chance.number(f"{self.name} most"))
            if records := partition.records[at : at + most]:
                self._fetch_at[tp] = records[-1].offset + 1
                if readable := [each for each in records if not each.is_vacant]:
                    found[tp] = readable
        return found

    # -- committing ------------------------------------------------------------------------------

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """As in Faust: one commit at a time; a concurrent call only waits for it."""
        if self._commit_fut is not None:
            await asyncio.wait({self._commit_fut})
            return False
        done = self._commit_fut = self._edge.loop.create_future()
        try:
            return await self.force_commit(topics, start_new_transaction)
        finally:
            self._commit_fut = None
            if not done.done():
                done.set_result(None)

    async def _commit(self, offsets: dict[TP, int]) -> bool:
        edge, group = self._edge, self._wanted.group
        edge.may_die("before a commit")
        await asyncio.sleep(edge.delay("a commit"))
        is_member = self in group.members and self._generation == group.generation
        if not is_member or edge.chance.strikes("refused commit", self.name, COMMIT_FAILS):
            edge.note(self.name, f"commit of {_told(offsets)} is refused")
            return False
        group.committed.update(offsets)
        edge.note(self.name, f"committed {_told(offsets)}")
        await asyncio.sleep(edge.delay("a commit's answer"))
        edge.may_die("after a commit")
        return not edge.chance.strikes("lost answer", f"{self.name} commit", COMMIT_UNKNOWN)

    async def _read_committed(self, partitions: set[TP]) -> dict[TP, int | None]:
        await asyncio.sleep(self._edge.delay("the committed offsets"))
        return {tp: self._wanted.group.committed.get(tp) for tp in sorted(partitions)}


class SimulatedConsumer(BatchConsumer, _Beneath):
    """The production consumer."""


async def _awaited(call: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    return await call(*args)


def _told(offsets: dict[TP, int]) -> dict[int, int]:
    return {tp.partition: at for tp, at in sorted(offsets.items())}
