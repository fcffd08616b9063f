"""A Kafka in memory: partitions, rebalancing groups, fencing transactions. It has no faults."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from faust.types import TP

from tests.simulation.virtual_time import KERNEL, VirtualLoop
from tests.support.events import START_MS
from topics.learning_progress import LearningProgress
from topics.lifecycle import JournalRecord

STARTED_MS = START_MS + 86_400_000
"""The broker's clock at the beginning: later than all events."""


class Kept(NamedTuple):
    """A record as the broker stores it and a consumer receives it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    timestamp_type: int = 1
    headers: tuple[tuple[str, bytes | None], ...] = ()
    is_vacant: bool = False
    """Whether it is no record, but a transaction's marker, or a record of an aborted one."""


@dataclass
class Partition:
    """The records of one partition."""

    records: list[Kept] = field(default_factory=list)
    waiting: list["asyncio.Future[None]"] = field(default_factory=list)
    """Futures that the next record resolves."""

    @property
    def end(self) -> int:
        """The offset that the next record will get."""
        return len(self.records)


@dataclass
class Broker:
    """All topics."""

    loop: VirtualLoop
    sources: dict[TP, Partition]
    log: Partition = field(default_factory=Partition)
    letters: dict[str, list[bytes | None]] = field(default_factory=dict)
    heartbeats: dict[str, tuple[int, LearningProgress]] = field(default_factory=dict)
    lists: dict[str, bytes | None] = field(default_factory=dict)
    journal: list[JournalRecord] = field(default_factory=list)
    frontiers: dict[str, str] = field(default_factory=dict)
    owners: dict[str, int] = field(default_factory=dict)
    """Transactional id → epoch of its newest owner."""
    broken: list[str] = field(default_factory=list)
    """Broken promises that were noticed."""
    cuts: int = 0
    stalled_until_s: float = 0.0

    def now_ms(self) -> int:
        """The broker's clock."""
        return STARTED_MS + int(self.loop.time() * 1000)

    def append(self, partition: Partition, value: bytes | None, key: bytes | None = None) -> int:
        """Stores a record; returns its offset."""
        offset = partition.end
        partition.records.append(Kept(offset, self.now_ms(), key, value))
        waiting, partition.waiting = partition.waiting, []
        for each in waiting:
            _finish(each)
        return offset

    def append_vacant(self, partition: Partition) -> None:
        """Occupies an offset that no consumer receives."""
        offset = self.append(partition, None)
        partition.records[offset] = partition.records[offset]._replace(is_vacant=True)

    def cut(self, end: int) -> None:
        """Removes the log's tail, as a power cut does."""
        del self.log.records[end:]
        self.cuts += 1

    async def something_new(self, partitions: Iterable[Partition], timeout_s: float) -> None:
        """Waits for a record in any of these partitions, up to `timeout_s`."""
        future = self.loop.create_future()
        for each in partitions:
            each.waiting.append(future)
        timer = self.loop.call_later(timeout_s, _finish, future)
        try:
            await future
        finally:
            timer.cancel()


def _finish(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


class Group:
    """A consumer group: when its members change, all return their partitions and are rebalanced."""

    def __init__(self, name: str, loop: VirtualLoop, partitions: list[TP], session_s: float):
        self.name = name
        self._loop = loop
        self._partitions = partitions
        self.session_s = session_s
        self.committed: dict[TP, int] = {}
        self.members: list[Any] = []
        self.generation = 0
        self._is_wanted = self._is_sharing = False
        self.on_shared: Callable[[str], None] = lambda _: None

    def join(self, member: Any) -> None:
        """Adds a consumer."""
        if member not in self.members:
            self.members.append(member)
            self.members.sort(key=lambda each: each.age)
        self.share()

    def leave(self, member: Any) -> None:
        """Removes a consumer that left or whose session timed out."""
        if member in self.members:
            self.members.remove(member)
            self.share()

    def share(self) -> None:
        """Begins a rebalance, or another one after the one in progress."""
        self._is_wanted = True
        if not self._is_sharing:
            self._is_sharing = True
            self._loop.kernel(self._share())

    async def _share(self) -> None:
        while self._is_wanted:
            self._is_wanted = False
            asked = {member: member.ask_to_rejoin() for member in self.members}
            if asked:
                await asyncio.wait(asked.values(), timeout=self.session_s)
            gone = [member for member, rejoined in asked.items() if not rejoined.done()]
            self.members = [each for each in self.members if each not in gone]
            self.generation += 1
            self._hand_out()
        self._is_sharing = False

    def _hand_out(self) -> None:
        shares: dict[Any, set[TP]] = {member: set() for member in self.members}
        for at, tp in enumerate(self._partitions if shares else ()):
            shares[self.members[at % len(shares)]].add(tp)
        by_name = {each.name: sorted(tp.partition for tp in has) for each, has in shares.items()}
        self.on_shared(f"{self.name} generation {self.generation}: {by_name}")
        for member, has in shares.items():
            member.receive(self.generation, has)


def later(loop: VirtualLoop, delay_s: float, call: Callable[..., Any], *args: Any) -> None:
    """Calls back after a delay, regardless of the state of the calling process."""
    loop.call_later(delay_s, call, *args, context=KERNEL.copy())
