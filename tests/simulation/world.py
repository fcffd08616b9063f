"""One simulation: workers, events and faults; then all faults end, and it has to come to rest."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import structlog
from faust.types import TP

from streams.lifecycle.lifecycle import Role
from streams.lists.frontier import frontier_of
from streams.publishing.topic_frontier import frontier_group
from streams.recommender_identity import RecommenderIdentity
from tests.simulation.broker import Broker, Group, Partition, later
from tests.simulation.chance import Chance, Fault
from tests.simulation.edge import Edge
from tests.simulation.feeding import Feeder
from tests.simulation.generations import (
    FIRST,
    SECOND,
    GenerationsOperator,
    first_records,
    has_two,
    lifecycle_of,
)
from tests.simulation.stores import Contents, Disk, Redis
from tests.simulation.virtual_time import Process, VirtualLoop
from tests.simulation.workers import (
    LOG,
    TOPIC_ID,
    RecommenderWorker,
    SequencerWorker,
    Worker,
)
from topics.catalogue import LISTENING_EVENTS
from topics.control_records import LogEpochStarted
from topics.learning_batch import SourcePartition
from topics.learning_log import encode_log_record

PARTITIONS = 2
SESSION_S = 5.0
FAULTS_S = 20.0
"""Duration of events and faults, in virtual seconds."""
HEALS_WITHIN_S = 120.0
"""Time after the last fault within which everything must be applied and published."""
RESTS_S = 2.5
REPLICA_LAG_S = 1.5
STORMS, STORM_PACE = 0.3, 0.35
"""Share of seeds with more frequent faults, and the factor of the pauses between them."""
RESTARTS_S = (0.1, 6.0)
PARKED_POLL_S = 1.0
OPERATORS = 2
"""How many people change generations, where there are two of these."""
SHARDS = (1, 2, 3)
CHANGES_S, CHANGES = (2.0, 14.0), 0.35
"""Pauses between the operator's decisions, and the rate at which M is changed (resharding)."""
LEFT_FROZEN_S, LEFT_S = (1.0, 10.0), (2.0, 14.0)
"""Recommenders of the previous M: for how long they are frozen, and when they are killed."""
AFTER_A_CUT = (
    "does not have offset",
    "belongs to this learning-log",
    "changed at",
    "learning-log continues at",
)
"""Messages of workers that stop because the log lost records that they had read."""
FENCED = "Lists can no longer be published"


def identity_of(shard: int, shards: int, generation: str = FIRST) -> str:
    """The identity of the recommender of a shard."""
    return str(RecommenderIdentity.of_generation(generation, shard, shards))


@dataclass
class Slot:
    """A worker that is restarted whenever its process ends."""

    name: str
    age: int
    identity: str = ""
    """Identity of a recommender; empty for a sequencer."""
    generation: str = FIRST
    is_left: bool = False
    """Whether it belongs to a previous M and is not restarted."""
    started: int = 0
    process: Process | None = None
    worker: Worker | None = None

    @property
    def is_up(self) -> bool:
        """Whether its process is alive."""
        return self.process is not None and self.process.is_alive


@dataclass
class World:
    """Everything of one simulation."""

    chance: Chance
    journal: list[tuple[float, str, str]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.loop = VirtualLoop(self._note_error)
        tps = [TP(LISTENING_EVENTS.name, at) for at in range(PARTITIONS)]
        self.broker = Broker(self.loop, {tp: Partition() for tp in tps})
        self.redis = Redis()
        self.disk = Disk()
        self.sequencers = Group("sequencers", self.loop, tps, SESSION_S)
        self.sequencers.on_shared = lambda what: self.note("broker", what)
        self.groups: dict[str, Group] = {}
        self.shards = 1
        self.operations = count(100)
        """Ids of operations on generations."""
        self.feeder = Feeder(self.chance, self.broker, self.note)
        several = self.chance.number("sequencers")
        self.slots = [
            *(Slot(f"sequencer-{at}", at) for at in range(1 + int(3 * several))),
            *(
                Slot(f"recommender-{at}", at, identity_of(0, 1))
                for at in range(1 + round(self.chance.number("two")))
            ),
        ]
        self.has_two_generations = has_two(self.chance.seed)
        if self.has_two_generations:
            self.broker.journal += first_records()
            self.slots += [
                Slot(f"second-{at}", at, identity_of(0, 1, SECOND), SECOND)
                for at in range(1 + round(self.chance.number("two of the second")))
            ]
        self.broker.append(
            self.broker.log, encode_log_record(LogEpochStarted(1, "the log was made"))
        )

    def note(self, who: str, what: str) -> None:
        """Writes a line of the journal."""
        self.journal.append((self.loop.time(), who, what))

    def breaks(self, what: str) -> None:
        """Notes a broken promise."""
        self.broken.append(what)
        self.note("BROKEN", what)

    def _note_error(self, error: BaseException) -> None:
        self.breaks(f"UNCAUGHT: {type(error).__name__}: {error}")

    # -- workers ---------------------------------------------------------------------------------

    def start(self, slot: Slot) -> None:
        """Starts a worker, unless it is up."""
        if slot.is_up or slot.is_left:
            return
        slot.started += 1
        process = slot.process = Process(f"{slot.name}.{slot.started}")
        edge = Edge(
            process,
            self.loop,
            self.broker,
            self.chance,
            self.note,
            lambda _: self.kill(slot),
            lambda error: self._stopped(slot, process, error),
            lambda: self.stop(slot),
        )
        self.note(process.name, "starts")
        self.loop.call_soon(self._build, slot, edge, context=process.context)

    def _build(self, slot: Slot, edge: Edge) -> None:
        if not edge.process.is_alive:
            return
        if slot.identity and self.is_parked(slot.generation):
            slot.worker = None
            later(self.loop, PARKED_POLL_S, self._build_soon, slot, edge)
            return
        age = 100 * slot.started + slot.age
        if slot.identity:
            group = self._group(slot.identity)
            slot.worker = RecommenderWorker(
                *(edge, group, age, self.disk, self.redis, self.groups, slot.generation),
                follows_plan=self.has_two_generations,
            )
        else:
            slot.worker = SequencerWorker(edge, self.sequencers, age)

    def _build_soon(self, slot: Slot, edge: Edge) -> None:
        self.loop.call_soon(self._build, slot, edge, context=edge.process.context)

    def _group(self, identity: str) -> Group:
        """The consumer group in which the recommenders of an identity read the log."""
        if identity not in self.groups:
            group = self.groups[identity] = Group(identity, self.loop, [LOG], SESSION_S)
            group.on_shared = lambda what: self.note("broker", what)
        return self.groups[identity]

    def kill(self, slot: Slot) -> None:
        """SIGKILL; the group notices after the session timeout, and the worker is restarted."""
        process, worker = slot.process, slot.worker
        if process is None or not process.is_alive:
            return
        process.is_alive = False
        if worker is not None:
            later(self.loop, SESSION_S, worker.group.leave, worker.consumer)
        after_s = self.chance.between(f"{process.name} restarts", *RESTARTS_S)
        later(self.loop, after_s, self.start, slot)

    def _stopped(self, slot: Slot, process: Process, error: BaseException) -> None:
        if not process.is_alive:
            return
        self.note(process.name, f"stops: {error}")
        said = str(error)
        is_explained = FENCED in said or (
            self.broker.cuts > 0 and any(each in said for each in AFTER_A_CUT)
        )
        if not is_explained:
            self.breaks(f"STOPPED: {process.name}: {type(error).__name__}: {said}")
        if "reset --snapshots" in said:
            self.note("operator", "resets the snapshots")
            self.disk.files.clear()
        self.kill(slot)

    def freeze(self, slot: Slot, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after a while."""
        process, worker = slot.process, slot.worker
        if process is None or worker is None:
            return
        process.frozen_until_s = self.loop.time() + seconds
        if seconds > SESSION_S:
            later(self.loop, SESSION_S, worker.group.leave, worker.consumer)

    def stop(self, slot: Slot) -> None:
        """SIGTERM."""
        if slot.process is not None and slot.worker is not None:
            self.loop.create_task(self._end(slot), context=slot.process.context)

    async def _end(self, slot: Slot) -> None:
        assert slot.worker is not None
        await slot.worker.end()
        self.note(str(slot.process and slot.process.name), "has ended")
        self.kill(slot)

    def change_shards(self, shards: int, leave: Callable[[Slot], None]) -> None:
        """Resharding: recommenders of the previous M are passed to `leave`, new ones start."""
        for slot in self.slots:
            if slot.identity and slot.generation == FIRST and not slot.is_left:
                slot.is_left = True
                leave(slot)
        self.shards = shards
        for shard in range(shards):
            for at in range(1 + round(self.chance.number("two of a shard"))):
                name = f"recommender-{shard}of{shards}-{len(self.slots)}"
                self.slots.append(Slot(name, at, identity_of(shard, shards)))
                self.start(self.slots[-1])

    # -- the whole run --------------------------------------------------------------------------

    def run(self) -> None:
        """Runs the simulation to its end."""
        for slot in self.slots:
            self.start(slot)
        self.loop.kernel(self.feeder.feed(FAULTS_S))
        self.loop.kernel(Nemesis(self).act())
        self.loop.kernel(Operator(self).act())
        for number in range(OPERATORS if self.has_two_generations else 0):
            self.loop.kernel(GenerationsOperator(self, number).act())
        self.loop.kernel(self._replicate())
        self.loop.kernel(self._heal_in_time())
        self.loop.run(FAULTS_S + HEALS_WITHIN_S, lambda: self.is_at_rest)
        if not self.is_at_rest:
            self.breaks(
                f"NO PROGRESS {HEALS_WITHIN_S:.0f} s after everything healed: {self.rest()}"
            )
        self.healed_after_s = self.loop.time() - FAULTS_S

    async def _replicate(self) -> None:
        """A replica of Redis follows with a lag."""
        while not self.chance.is_healed:
            await asyncio.sleep(REPLICA_LAG_S)
            self.redis.copy = self.redis.contents.copied()

    async def _heal_in_time(self) -> None:
        """An event of its own: some process may always be in a call that blocks the others."""
        await asyncio.sleep(FAULTS_S)
        self._heal()
        await self._watch()

    is_at_rest = False
    healed_after_s = 0.0

    def _heal(self) -> None:
        self.note("world", "everything heals")
        self.chance.is_healed = True
        self.redis.is_away = False
        self.broker.stalled_until_s = 0.0
        for slot in self.slots:
            if slot.is_left:
                self.kill(slot)
            elif slot.is_up and slot.process is not None:
                slot.process.frozen_until_s = min(slot.process.frozen_until_s, self.loop.time())
                later(self.loop, 0.0, self.loop._thaw, slot.process)
            else:
                self.start(slot)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            if not self.rest():
                await asyncio.sleep(RESTS_S)
                self.is_at_rest = not self.rest()

    @property
    def owners(self) -> list[RecommenderWorker]:
        """The recommenders that own the log, one per shard."""
        workers = [slot.worker for slot in self.slots if slot.is_up and not slot.is_left]
        recommenders = [each for each in workers if isinstance(each, RecommenderWorker)]
        return [each for each in recommenders if each.consumer._has]

    def rest(self) -> str:
        """Describes the remaining work; empty if there is none."""
        owners = self.owners
        wanted = 0 if self.is_parked(FIRST) else self.shards
        wanted += self.has_two_generations and not self.is_parked(SECOND)
        if len(owners) != wanted:
            return f"{len(owners)} recommenders have the log, not {wanted}"
        left = [self._left_for(owner) for owner in owners]
        return "; ".join(filter(None, [*left, self._left_of_the_plan()]))

    @property
    def stable(self) -> str:
        """The generation that serves, whose lists belong in the topic."""
        return lifecycle_of(self.broker).plan.stable if self.has_two_generations else FIRST

    def is_parked(self, generation: str) -> bool:
        """Whether it was stopped or retired: its recommenders do nothing."""
        if not self.has_two_generations:
            return False
        return lifecycle_of(self.broker).role_of(generation) is Role.PARKED

    def _left_of_the_plan(self) -> str:
        if not self.has_two_generations:
            return ""
        plan, pointer = lifecycle_of(self.broker).plan, self.redis.contents.pointer
        wanted = {"version": plan.version, "record": plan.record, "stable": plan.stable}
        if plan.canary is not None:
            wanted |= {"canary": plan.canary, "share": plan.share}
        return "" if pointer == wanted else f"the pointer is {pointer}, not {wanted}"

    def _left_for(self, owner: RecommenderWorker) -> str:
        fold, publisher = owner.recommender.fold, owner.publisher
        ends = {tp: partition.end for tp, partition in self.broker.sources.items()}
        folded = {tp: fold.coverage.next.get(SourcePartition(TOPIC_ID, tp[1]), 0) for tp in ends}
        reached: dict[str, tuple[Any, Any]] = {
            "fold": (fold.offset, self.broker.log.end - 1),
            "sources": (sorted(folded.items()), sorted(ends.items())),
            "acknowledged": (self._acknowledged(), ends),
            "redis": (
                self.redis.frontier(owner.generation, owner.place).position,
                fold.position.order,
            ),
            "the topic's holder": (owner.serving.holds_topic, owner.generation == self.stable),
            "gate": (publisher.is_open, True),
            "something is due": (publisher.is_due, False),
            "redis' error": (publisher.redis.error, None),
            "a write to redis": (publisher.redis.is_writing, False),
        }
        if publisher.topic.writes_lists:
            topic = frontier_of(self.broker.frontiers.get(frontier_group(owner.group.name)))
            reached |= {
                "topic": (topic.position, fold.position.order),
                "the topic's failure": (publisher.topic.failure, None),
                "the topic's queue": (bool(publisher.topic._gathered), False),
            }
        return "; ".join(
            f"{owner.generation} {owner.place}: {name} {has}, not {wants}"
            for name, (has, wants) in reached.items()
            if has != wants
        )

    def _acknowledged(self) -> dict[TP, int]:
        sequencers = [each.worker for each in self.slots if each.is_up]
        return {
            tp: pipeline.next_to_acknowledge
            for each in sequencers
            if isinstance(each, SequencerWorker)
            for tp, pipeline in each.sequencer.pipelines.items()
        }


class Nemesis:
    """Injects faults that do not belong to a single effect."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chance = world.chance
        self._pace = STORM_PACE if world.chance.number("storm") < STORMS else 1.0
        self._actions = {
            "kill": (0.6, self._kill),
            "freeze": (0.5, self._freeze),
            "end": (0.4, self._end),
            "redis away": (0.4, self._redis_away),
            "redis emptied": (0.3, self._redis_emptied),
            "redis failed over": (0.3, self._redis_failed_over),
            "log cut": (0.3, self._log_cut),
            "offsets moved": (0.3, self._offsets_moved),
            "broker stalls": (0.4, self._broker_stalls),
            "snapshot damaged": (0.5, self._snapshot_damaged),
            "rebalance": (0.5, self._rebalance),
        }

    async def act(self) -> None:
        """Injects faults at random times until all faults end."""
        while not self._chance.is_healed:
            await asyncio.sleep(self._pace * self._chance.between("nemesis waits", 0.2, 1.6))
            name = self._chance.pick("nemesis", [*self._actions])
            rate, action = self._actions[name]
            if self._chance.strikes(name, "nemesis", rate):
                action()

    def _slot(self, what: str) -> Slot | None:
        slot = self._chance.pick(f"whom to {what}", self._world.slots)
        return slot if slot.is_up and slot.worker is not None else None

    def _note(self, what: str) -> None:
        self._world.note("nemesis", what)

    def _kill(self) -> None:
        if slot := self._slot("kill"):
            self._note(f"kills {slot.name}")
            self._world.kill(slot)

    def _freeze(self) -> None:
        if slot := self._slot("freeze"):
            seconds = self._chance.between("frozen for", 0.5, 12.0)
            self._note(f"freezes {slot.name} for {seconds:.1f} s")
            self._world.freeze(slot, seconds)

    def _end(self) -> None:
        if slot := self._slot("end"):
            self._note(f"ends {slot.name}")
            self._world.stop(slot)

    def _redis_away(self) -> None:
        seconds = self._chance.between("redis is away for", 0.3, 5.0)
        self._note(f"redis is away for {seconds:.1f} s")
        redis = self._world.redis
        redis.is_away = True
        later(self._world.loop, seconds, setattr, redis, "is_away", False)

    def _redis_emptied(self) -> None:
        redis = self._world.redis
        self._note("redis is emptied")
        redis.begin_with(Contents())

    def _redis_failed_over(self) -> None:
        redis = self._world.redis
        at = {
            f"{name}:{shard}": each.text()
            for name, table in redis.copy.tables.items()
            for shard, each in table._frontiers.items()
        }
        self._note(f"redis fails over to a replica at {at}")
        redis.begin_with(redis.copy)
        redis.copy = redis.contents.copied()

    def _log_cut(self) -> None:
        broker = self._world.broker
        end = max(1, broker.log.end - 1 - int(5 * self._chance.number("cut by")))
        if end >= broker.log.end:
            return
        self._note(f"the log is cut from {broker.log.end} to {end}")
        broker.cut(end)
        for slot in self._world.slots:
            if slot.is_up and slot.worker is not None and not slot.worker.is_behind(end):
                slot.worker.consumer.was_cut = True

    def _offsets_moved(self) -> None:
        committed = self._world.sequencers.committed
        for tp in sorted(committed):
            committed[tp] = int(committed[tp] * self._chance.number("moved to"))
        self._note(f"committed offsets are moved to {sorted(committed.values())}")

    def _broker_stalls(self) -> None:
        seconds = self._chance.between("stalls for", 0.2, 4.0)
        self._note(f"the broker stalls for {seconds:.1f} s")
        self._world.broker.stalled_until_s = self._world.loop.time() + seconds

    def _snapshot_damaged(self) -> None:
        if self._world.disk.files:
            at = self._world.disk.damage(self._chance.number("damaged at"))
            self._note(f"snapshot {at} is damaged")

    def _rebalance(self) -> None:
        groups = [self._world.sequencers, *self._world.groups.values()]
        group = self._chance.pick("group", groups)
        self._note(f"{group.name} is rebalanced")
        group.share()


class Operator:
    """Changes M by restart at random times; a previous recommender may only be frozen."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chance = world.chance

    async def act(self) -> None:
        """Acts until all faults end."""
        while not self._chance.is_healed:
            await asyncio.sleep(self._chance.between("the operator waits", *CHANGES_S))
            if self._chance.strikes("another M", "operator", CHANGES):
                shards = self._chance.pick("M", [each for each in SHARDS if each != self._now])
                self._world.note("operator", f"M is {shards} from now on")
                self._world.change_shards(shards, self._leave)

    @property
    def _now(self) -> int:
        return self._world.shards

    def _leave(self, slot: Slot) -> None:
        how = self._chance.pick("how it is left", ["ended", "killed", "frozen"])
        self._world.note("operator", f"{slot.name} is {how}")
        match how:
            case "ended":
                self._world.stop(slot)
            case "killed":
                self._world.kill(slot)
            case "frozen":
                self._world.freeze(slot, self._chance.between("left frozen for", *LEFT_FROZEN_S))
                after_s = self._chance.between("left until", *LEFT_S)
                later(self._world.loop, after_s, self._world.kill, slot)


@contextmanager
def logs_in(world: World) -> Iterator[None]:
    """Log lines of production code go to the journal."""

    def drop(_: Any, level: str, event: dict[str, Any]) -> Any:
        if level != "debug":
            facts = {key: value for key, value in event.items() if key not in ("event", "who")}
            world.note("log", f"{event['event']} {facts or ''}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[drop], cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)


def simulated(seed: int, only: Collection[Fault] | None = None) -> World:
    """The simulation of a seed, run and judged."""
    from tests.simulation.verdict import judge

    world = World(Chance(seed, only))
    with running(world):
        world.run()
        judge(world)
    return world


@contextmanager
def running(world: World) -> Iterator[None]:
    """Ends a world, also after an error."""
    try:
        with logs_in(world):
            yield
    finally:
        world.loop.end()
