"""Redis and a disk that fail: `MemoryLists` behind a network, and snapshots that may be damaged."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from streams.lists.frontier import Frontier
from streams.lists.list_store import Publication, PublishOutcome
from streams.lists.memory_lists import MemoryLists
from streams.snapshots import snapshot_format
from streams.snapshots.snapshot_format import Arrays, SnapshotHeader
from tests.simulation.edge import Edge
from topics.errors import SnapshotError

REPLY_LOST, FULL_DISK = 0.03, 0.05
KEPT = 3
CALLS = (1, 2, 3)
"""Numbers of calls per publication, if it has this many lists."""


class Redis:
    """One server: its table, whether it answers, and the lists that readers have seen."""

    def __init__(self) -> None:
        self.table = MemoryLists()
        self.is_away = False
        self.copy = self.snapshot()
        self._seen: dict[str, tuple[int, int]] = {}
        self.broken: list[str] = []

    def snapshot(self) -> MemoryLists:
        """The table as it is now."""
        twin = MemoryLists()
        twin._lists, twin._frontiers = dict(self.table._lists), dict(self.table._frontiers)
        return twin

    def frontier(self, shard: str) -> Frontier:
        """The publish frontier of a shard."""
        return self.table.of(shard)._frontier

    def begin_with(self, table: MemoryLists) -> None:
        """Replaces the table; readers accept that lists may be older now."""
        self.table = table
        self._seen.clear()

    def look(self) -> None:
        """A reader reads all lists: none may be older than before."""
        for listener_id, found in self.table._lists.items():
            position = (found.log_epoch, found.as_of)
            if position < self._seen.get(listener_id, position):
                was = self._seen[listener_id]
                self.broken.append(
                    f"OLDER LIST in redis: {listener_id} as of {position}, was {was}"
                )
            self._seen[listener_id] = position


class RemoteLists:
    """The table as one worker reaches it; several lists take several calls, the frontier last."""

    def __init__(self, edge: Edge, redis: Redis, shard: str) -> None:
        self._edge = edge
        self._redis = redis
        self._shard = shard

    @property
    def _table(self) -> MemoryLists:
        return self._redis.table.of(self._shard)

    async def publish(self, publication: Publication, since: Frontier) -> PublishOutcome:
        """See `ListStore.publish`."""
        lists = publication.lists
        calls = self._edge.chance.pick(f"{self._edge.name} calls redis", CALLS)
        size = max(1, -(-len(lists) // calls))
        for start in range(0, len(lists) - size, size):
            part = publication._replace(lists=lists[start : start + size], erased=())
            outcome = await self._call(part._replace(more_follow=True), since)
            if not outcome.is_accepted:
                return outcome
            since = outcome.frontier
        last = lists[(len(lists) - 1) // size * size :]
        return await self._call(publication._replace(lists=last), since)

    async def _call(self, publication: Publication, since: Frontier) -> PublishOutcome:
        edge = self._edge
        await self._reach("a write to redis")
        outcome = await self._table.publish(publication, since)
        self._redis.look()
        lists = [f"{each.listener_id}@{each.as_of}" for each in publication.lists]
        takes = "takes" if outcome.is_accepted else "does not take"
        edge.note(edge.name, f"redis {takes} {lists}, has {outcome.frontier.text()}")
        await self._answered("a write to redis")
        return outcome

    async def fence(self, shard: str, owner: int) -> Frontier:
        """See `ListStore.fence`."""
        await self._reach("the silencing in redis")
        fenced = await self._table.fence(shard, owner)
        self._edge.note(self._edge.name, f"fences {shard} in redis, {fenced.text()}")
        await self._answered("the silencing in redis")
        return fenced

    @property
    def left_out(self) -> list[str]:
        """See `ListStore.left_out`."""
        return []

    async def take_free(self) -> list[str]:
        """See `ListStore.take_free`."""
        return []

    async def frontier(self) -> Frontier:
        """See `ListStore.frontier`."""
        await self._reach("redis' frontier")
        found = await self._table.frontier()
        await self._answered("redis' frontier")
        return found

    async def _reach(self, what: str) -> None:
        self._edge.may_die(f"before {what}")
        await asyncio.sleep(self._edge.delay(what))
        self._check_answers()

    async def _answered(self, what: str) -> None:
        await asyncio.sleep(self._edge.delay(f"the answer to {what}"))
        self._edge.may_die(f"after {what}")
        self._check_answers()
        if self._edge.chance.strikes("lost answer", f"{self._edge.name} {what}", REPLY_LOST):
            raise ConnectionError("the answer is lost")

    def _check_answers(self) -> None:
        if self._redis.is_away:
            raise ConnectionError("redis is away")


@dataclass
class Disk:
    """Snapshots by log offset; all recommenders share a disk."""

    files: dict[int, bytes] = field(default_factory=dict)

    def damage(self, at: float) -> int:
        """Flips a bit of the newest snapshot, at this part of its length."""
        newest = max(self.files)
        data = bytearray(self.files[newest])
        data[int(at * len(data))] ^= 1
        self.files[newest] = bytes(data)
        return newest


class Place(NamedTuple):
    """A snapshot file, identified by its log offset."""

    offset: int

    @property
    def name(self) -> str:
        """The file's name in messages."""
        return f"{self.offset}.snapshot"


class SimulatedSnapshots:
    """The twin of `SnapshotFolder`."""

    folder, keep = Path("the disk"), KEPT

    def __init__(self, edge: Edge, disk: Disk) -> None:
        self._edge = edge
        self._files = disk.files

    def write(self, header: SnapshotHeader, arrays: Arrays) -> Place:
        """See `SnapshotFolder.write`."""
        edge = self._edge
        edge.block("a snapshot")
        data = b"".join(snapshot_format.packed(header, arrays))
        if edge.chance.strikes("full disk", edge.name, FULL_DISK):
            raise SnapshotError("The disk is full.", "Make room.")
        self._files[header.offset] = data
        edge.note(edge.name, f"snapshot at {header.offset}")
        self._prune()
        return Place(header.offset)

    def _prune(self) -> None:
        self._edge.may_die("between a snapshot and what it replaces")
        for offset in sorted(self._files, reverse=True)[KEPT:]:
            del self._files[offset]

    def readable(self) -> Iterator[tuple[Place, SnapshotHeader, dict[str, Any]]]:
        """See `SnapshotFolder.readable`."""
        self._edge.block("a look at the disk")
        for offset in sorted(self._files, reverse=True):
            place = Place(offset)
            try:
                yield place, *snapshot_format.unpacked(self._files[offset], place.name)
            except SnapshotError as error:
                self.set_aside(place, str(error))

    def set_aside(self, place: Place, why: str) -> None:
        """See `SnapshotFolder.set_aside`."""
        self._edge.note(self._edge.name, f"{place.name} is set aside: {why}")
        self._files.pop(place.offset, None)
