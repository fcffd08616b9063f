"""Two generations on one log: the journal as a worker knows it, and an operator who promotes."""

import asyncio
from math import inf
from typing import TYPE_CHECKING, Any

from streams.lifecycle.lifecycle import Lifecycle
from streams.lifecycle.pointer import PointerWriter
from streams.lifecycle.roles import ServingOfJournal
from streams.lists.serving_plan import Plan
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
PROMOTES_S = (1.0, 7.0)
"""Pauses between two promotions."""
PACES = (1.0, 1.0, 0.2)
"""Factors of these pauses: some promoters are in a hurry."""
SETS_POINTER = 0.7
"""Share of promotions whose operator lives long enough to set the pointer."""


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

    def stop() -> None:
        raise AssertionError("no role without lists is simulated")

    return ServingOfJournal(
        journal,  # type: ignore[arg-type]
        generation,
        SimulatedTopicWriter(edge, recommender_id),
        SimulatedRedisAlone(edge, recommender_id),
        RemotePointer(redis, edge),  # type: ignore[arg-type]
        stop=stop,
        clock=edge.loop.time,
    )


class Promoter:
    """An operator who promotes the other generation at random times, and may die in between."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._chance = world.chance
        self._pace = self._chance.pick("the promoter's pace", PACES)

    async def act(self) -> None:
        """Acts until all faults end."""
        while not self._chance.is_healed:
            wait_s = self._chance.between("the promoter waits", *PROMOTES_S)
            await asyncio.sleep(self._pace * wait_s)
            if self._chance.strikes("promotion", "operator", 1.0):
                await self._promote()

    async def _promote(self) -> None:
        journal, plan = self._world.broker.journal, lifecycle_of(self._world.broker).plan
        other = SECOND if plan.stable == FIRST else FIRST
        journal.append(
            ServingChanged(
                expected=plan.version,
                stable=other,
                cause=ServingCause.PROMOTED,
                **said(len(journal)),
            )
        )
        self._world.note("operator", f"promotes {other}")
        if self._chance.number("the promoter sets the pointer") < SETS_POINTER:
            known = _Known(lifecycle_of(self._world.broker).plan)
            await asyncio.sleep(self._chance.between("the promoter's pointer", 0.0, 2.0))
            if not self._world.redis.is_away:
                pointer = RemotePointer(self._world.redis)
                await PointerWriter(pointer, known).write()  # type: ignore[arg-type]


class _Known:
    """The journal as an operator knows it."""

    as_of = -inf

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
