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


@dataclass
class Contents:
    """What a Redis holds: the lists of each generation, and the pointer."""

    tables: dict[str, MemoryLists] = field(default_factory=dict)
    pointer: dict[str, Any] = field(default_factory=dict)

    def copied(self) -> "Contents":
        """The same, as it is now."""
        return Contents({name: _twin(each) for name, each in self.tables.items()}, self.pointer)


def _twin(table: MemoryLists) -> MemoryLists:
    twin = MemoryLists()
    twin._lists, twin._frontiers = dict(table._lists), dict(table._frontiers)
    return twin


class Redis:
    """One server: its contents, whether it answers, and the lists that readers have seen."""

    def __init__(self) -> None:
        self.contents = Contents()
        self.is_away = False
        self.copy = self.contents.copied()
        self._seen: dict[tuple[str, str], tuple[int, int]] = {}
        self.broken: list[str] = []
        self.retired: set[str] = set()
        """Generations whose lists and writers are gone for good, unless Redis falls back."""

    def table(self, generation: str) -> MemoryLists:
        """The lists of a generation."""
        return self.contents.tables.setdefault(generation, MemoryLists())

    def frontier(self, generation: str, shard: str) -> Frontier:
        """The publish frontier of a shard."""
        return self.table(generation).of(shard)._frontier

    def begin_with(self, contents: Contents) -> None:
        """Replaces the contents; readers accept that lists may be older now."""
        self.contents = contents
        self._seen.clear()
        self.retired.clear()

    def look(self) -> None:
        """A reader reads all lists: none may be older than before."""
        for generation, table in self.contents.tables.items():
            for listener_id, found in table._lists.items():
                self._look_at(generation, listener_id, (found.log_epoch, found.as_of))

    def _look_at(self, generation: str, listener_id: str, position: tuple[int, int]) -> None:
        was = self._seen.get((generation, listener_id), position)
        if position < was:
            self.broken.append(
                f"OLDER LIST in redis: {generation}:{listener_id} as of {position}, was {was}"
            )
        self._seen[generation, listener_id] = position


class RemotePointer:
    """The client by which `PointerWriter` reaches the pointer: its script as it works in Redis."""

    def __init__(self, redis: Redis, edge: Edge | None = None) -> None:
        """Without `edge` nothing fails: an operator who is not simulated."""
        self._redis = redis
        self._edge = edge

    async def eval(self, script: str, keys: int, key: str, *arguments: Any) -> Any:
        """Runs the script of `streams.lifecycle.pointer`."""
        if self._edge is not None:
            self._edge.may_die("before the pointer")
            await asyncio.sleep(self._edge.delay("the pointer"))
            if self._redis.is_away:
                raise ConnectionError("redis is away")
        version, record, lost, *fields = arguments
        stored = self._redis.contents.pointer
        place = f"{stored.get('version', '')} {stored.get('record', '')}".encode()
        at = stored.get("version", -1)
        is_newer = at < version or (at == version and stored.get("record") != record)
        if not is_newer and place != lost:
            return place if at > version else b""
        if at > version:  # no simulated journal loses its tail
            self._redis.broken.append(f"OLDER PLAN: {version} after {at}")
        named = dict(zip(fields[::2], fields[1::2], strict=True))
        self._redis.contents.pointer = {"version": version, "record": record, **named}
        if self._edge is not None:
            self._edge.may_die("after the pointer")
        return 1


class RemoteLists:
    """The table as one worker reaches it; several lists take several calls, the frontier last."""

    def __init__(self, edge: Edge, redis: Redis, generation: str, shard: str) -> None:
        self._edge = edge
        self._redis = redis
        self._generation = generation
        self._shard = shard

    @property
    def _table(self) -> MemoryLists:
        return self._redis.table(self._generation).of(self._shard)

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
        is_retired = self._generation in self._redis.retired
        if outcome.is_accepted and publication.lists and is_retired:
            self._redis.broken.append(f"RETIRED, AND PUBLISHES: {edge.name}")
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
