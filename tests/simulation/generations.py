"""Two generations on one log: the journal as a worker knows it, and operators who change it."""

import asyncio
from math import inf
from typing import TYPE_CHECKING, Any

from streams.lifecycle.lifecycle import Lifecycle
from streams.lifecycle.pointer import PointerWriter
from streams.lifecycle.roles import ServingOfJournal
from streams.lists.serving_plan import Plan
from streams.ownership.resharding import LIVENESS_WINDOW_S
from streams.publishing.topic_frontier import transactional_id
from tests.simulation.broker import Broker
from tests.simulation.edge import Edge
from tests.simulation.stores import Redis, RemotePointer
from tests.simulation.transactions import SimulatedRedisAlone, SimulatedTopicWriter
from topics.lifecycle import (
    GenerationCreated,
    GenerationMoved,
    GenerationState,
    JournalRecord,
    ServingCause,
    ServingChanged,
)

if TYPE_CHECKING:
    from tests.simulation.world import World

FIRST, SECOND = "first", "second"
FOLLOW_EVERY_S = 0.25
ACTS = (*(4 * ("promote",)), *(2 * ("canary",)), *(2 * ("roll back",)), "stop", "start", "retire")
"""What an operator does, more often what stands here more often. Nobody asks the gate."""
MOVES = {
    "stop": GenerationState.STOPPED,
    "start": GenerationState.STARTED,
    "retire": GenerationState.RETIRING,
}
ACTS_S = (1.0, 7.0)
"""Pauses between two acts."""
PACES = (1.0, 1.0, 0.2)
"""Factors of these pauses: some operators are in a hurry."""
LOOKS_S = (0.0, 0.5)
"""Time from what an operator sees to the record that follows on it."""
SHARES = (1, 1_000, 10_000)
SETS_POINTER = 0.7
"""Share of changes of the plan whose operator lives long enough to set the pointer."""


def has_two(seed: int) -> bool:
    """Whether a seed simulates two generations: two of five do."""
    return seed % 5 in (0, 4)


def said(number: int) -> dict[str, Any]:
    """The fields that every record has."""
    return {
        "operation_id": number.to_bytes(16, "big"),
        "who": "the operator",
        "why": "the simulation",
        "made_with": "simulated",
    }


def first_records() -> list[JournalRecord]:
    """`first` serves, and `second` is started beside it."""
    records: list[JournalRecord] = []
    for name in (FIRST, SECOND):
        records += [
            GenerationCreated(name=name, settings="{}", fold_version=0, **said(len(records))),
            GenerationMoved(name=name, to=GenerationState.STARTED, **said(len(records) + 1)),
        ]
    serves = ServingChanged(expected=-1, stable=FIRST, cause=ServingCause.FIRST, **said(4))
    return [*records, serves]


def lifecycle_of(broker: Broker) -> Lifecycle:
    """The lifecycle that the journal has now."""
    lifecycle = Lifecycle()
    for offset, record in enumerate(broker.journal):
        lifecycle.apply(offset, 0, record)
    return lifecycle


class SimulatedJournal:
    """The twin of `Journal`: what a worker knows of the journal, and as of when."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self.lifecycle = lifecycle_of(edge.broker)
        self.as_of = -inf
        self._next = len(edge.broker.journal)

    @property
    def plan(self) -> Plan:
        """The plan, as far as the journal is known."""
        return self.lifecycle.plan

    def read(self) -> Lifecycle:
        """See `Journal.read`."""
        began_at = self._edge.loop.time()
        self._edge.block("the journal")
        self._take(len(self._edge.broker.journal), began_at)
        return self.lifecycle

    async def follow(self) -> None:
        """Reads for ever, as the thread of a recommender does."""
        while True:
            await asyncio.sleep(FOLLOW_EVERY_S)
            began_at, end = self._edge.loop.time(), len(self._edge.broker.journal)
            await asyncio.sleep(self._edge.delay("the journal"))
            self._take(end, began_at)

    def _take(self, end: int, began_at: float) -> None:
        for offset in range(self._next, end):
            self.lifecycle.apply(offset, 0, self._edge.broker.journal[offset])
        self._next, self.as_of = max(self._next, end), max(self.as_of, began_at)


def serving_of(
    edge: Edge, journal: SimulatedJournal, generation: str, recommender_id: str, redis: Redis
) -> ServingOfJournal:
    """The production class over the simulated journal, topic and Redis."""

    return ServingOfJournal(
        journal,  # type: ignore[arg-type]
        generation,
        SimulatedTopicWriter(edge, recommender_id),
        SimulatedRedisAlone(edge, recommender_id),
        RemotePointer(redis, edge),  # type: ignore[arg-type]
        stop=edge.end,
        clock=edge.loop.time,
    )


class GenerationsOperator:
    """Changes plan and generations at random times, by what they saw, and may die in between.

    Of two operators who saw the same plan, the second one's record is void.
    """

    def __init__(self, world: "World", number: int) -> None:
        self._world = world
        self._chance = world.chance
        self._name = f"operator {number}"
        self._pace = self._chance.pick(f"the pace of {self._name}", PACES)

    async def act(self) -> None:
        """Acts until all faults end."""
        while not self._chance.is_healed:
            wait_s = self._chance.between(f"{self._name} waits", *ACTS_S)
            await asyncio.sleep(self._pace * wait_s)
            if self._chance.strikes("an act", self._name, 1.0):
                await self._do(self._chance.pick(f"{self._name} does", ACTS))

    async def _do(self, what: str) -> None:
        decided = lifecycle_of(self._world.broker)
        record = self._record_of(what, decided)
        if record is None or decided.why_void(record):
            return
        await asyncio.sleep(self._chance.between(f"{self._name} looks", *LOOKS_S))
        void = lifecycle_of(self._world.broker).why_void(record)
        self._world.broker.journal.append(record)
        self._world.note(self._name, f"{what}: {void or _in_words(record)}")
        if void:
            return
        if isinstance(record, ServingChanged):
            await self._set_pointer()
        elif what == "retire":
            await self._retire(record.name)

    def _record_of(self, what: str, decided: Lifecycle) -> ServingChanged | GenerationMoved | None:
        """The record of an act on the plan, or on the generation that does not serve all."""
        fields = said(next(self._world.operations))
        other = SECOND if decided.plan.stable == FIRST else FIRST
        if what in MOVES:
            return GenerationMoved(name=other, to=MOVES[what], **fields)
        fields |= {"expected": decided.plan.version, "stable": decided.plan.stable}
        if what == "promote":
            return ServingChanged(cause=ServingCause.PROMOTED, **fields | {"stable": other})
        if what == "canary":
            share = self._chance.pick(f"{self._name}'s share", SHARES)
            canary = {"canary": other, "share": share}
            return ServingChanged(cause=ServingCause.CANARY, **fields | canary)
        if (back := decided.rolled_back_to()) is None:
            return None
        return ServingChanged(cause=ServingCause.ROLLED_BACK, **fields | {"stable": back})

    async def _set_pointer(self) -> None:
        if self._chance.number(f"{self._name} sets the pointer") < SETS_POINTER:
            known = _Known(lifecycle_of(self._world.broker).plan)
            await asyncio.sleep(self._chance.between(f"{self._name}'s pointer", 0.0, 2.0))
            if not self._world.redis.is_away:
                pointer = RemotePointer(self._world.redis)
                await PointerWriter(pointer, known).write()  # type: ignore[arg-type]

    async def _retire(self, name: str) -> None:
        """The steps of `streams.lifecycle.retirement`, one by one."""
        world = self._world
        ids = [each for each in world.groups if f"-{name}-" in each]
        before: Any = None
        while before != (heard := [world.broker.heartbeats.get(each) for each in ids]):
            before = heard
            await asyncio.sleep(LIVENESS_WINDOW_S)
        for each in map(transactional_id, ids):
            world.broker.owners[each] = world.broker.owners.get(each, -1) + 1
        while world.redis.is_away:
            await asyncio.sleep(1.0)
        table = world.redis.table(name)
        for shard in list(table._frontiers):
            await table.fence(shard, 0)
        table._lists.clear()
        world.redis.retired.add(name)
        retired = GenerationState.RETIRED
        world.broker.journal.append(
            GenerationMoved(name=name, to=retired, **said(next(world.operations)))
        )
        world.note(self._name, f"{name} is retired")


def _in_words(record: JournalRecord) -> str:
    if isinstance(record, ServingChanged):
        return f"{record.stable} serves, canary {record.canary} {record.share}"
    return f"{record.name} is {record.to}" if isinstance(record, GenerationMoved) else str(record)


class _Known:
    """The journal as an operator knows it."""

    as_of = -inf

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
