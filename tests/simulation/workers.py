"""Both kinds of workers, composed as in their apps, over simulated servers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Any, Self

from faust.types import TP

from streams.agents.recommend import Cadence, Identity, Recommender
from streams.agents.sequence import Sequencer, SequencerIdentity
from streams.folding.fold import Fold
from streams.heartbeats.fold_position import FoldPosition, Heartbeat, fold_position
from streams.kafka.topic_facts import Bounds
from streams.lifecycle.known_generations import generations_of
from streams.lists.list_maker import ListMaker
from streams.lists.list_shape import ListShape
from streams.ownership.ownership import LogEdge, Ownership
from streams.ownership.takeover import AlwaysServing, Serving, Takeover
from streams.publishing.publisher import Publisher
from streams.publishing.removals import erased_ids_reader
from streams.publishing.topic_writer import TopicWriter
from streams.recommender_identity import RecommenderIdentity
from streams.sequencing.start_positions import Cluster, Source
from streams.snapshots.state_keeper import StateKeeper
from tests.simulation.broker import Broker, Group, later
from tests.simulation.consuming import Membership, SimulatedConsumer
from tests.simulation.counting import CountingRanker
from tests.simulation.edge import Edge
from tests.simulation.former import Groups, SimulatedFormerShards
from tests.simulation.generations import SimulatedJournal, lifecycle_of, serving_of
from tests.simulation.producing import SimulatedProducer
from tests.simulation.stores import Disk, Redis, RemoteLists, SimulatedSnapshots
from tests.simulation.transactions import SimulatedTopicWriter
from topics.catalogue import LEARNING_LOG, LISTENING_EVENTS
from topics.codecs import Decoder
from topics.control_records import ControlRecord
from topics.learning_log import LogRecord, decode_log_record, encode_log_record, record_hash
from topics.learning_progress import LearningProgress

TOPIC_ID = b"simulated source"
LOG = TP(LEARNING_LOG.name, 0)
WINDOW = 64
K = 5
EVENTS_A_FETCH, LOG_RECORDS_A_FETCH = 9, 5
PUBLICATIONS_OF = (1, 2, 5, 2_000)
"""Maximum number of lists per part of a publication."""
SNAPSHOTS_EVERY_S = (1.5, 5.0, 1_000.0)
ENDS_S = (0.0, 0.6)
COMMIT_EVERY_S = 1.0
FETCH_S = 2.0
MEMBER_EVERY_S = 1.5
HEARTBEAT_S = 1.0
_DECODER = Decoder(LISTENING_EVENTS.contracts)


def new_fold() -> Fold:
    """An empty state."""
    return Fold(CountingRanker(), CountingRanker(), duplicate_window=WINDOW)


class Worker:
    """A consumer, an agent that handles its chunks one by one, and a background task."""

    consumer: SimulatedConsumer
    group: Group

    def __init__(self, edge: Edge) -> None:
        self.edge = edge
        self._chunks: asyncio.Queue[Any] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, *beside: Callable[[], Awaitable[None]]) -> None:
        """Starts the consumer, the agent and the background task."""
        for each in (self._take, self._fetch, self._commit, self._stay_a_member, *beside):
            self._tasks.append(asyncio.ensure_future(self._guarded(each)))
        self.group.join(self.consumer)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except (
            Exception
        ) as error:  # as an app does: the worker stops before it acknowledges anything
            self.edge.stop(error)

    async def _fetch(self) -> None:
        while True:
            async for _, message in self.consumer.getmany(FETCH_S):
                self._chunks.put_nowait(message)

    async def _take(self) -> None:
        while True:
            await self.handle(await self._chunks.get())

    async def _commit(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_EVERY_S)
            await self.consumer.commit()

    async def _stay_a_member(self) -> None:
        """Rejoins if the group has continued without this member."""
        while True:
            await asyncio.sleep(MEMBER_EVERY_S)
            if self.consumer not in self.group.members:
                await self.consumer.give_back()
                self.group.join(self.consumer)

    async def handle(self, message: Any) -> None:
        """Handles one chunk, as the agent does."""
        raise NotImplementedError

    def drop_chunks(self) -> None:
        """Drops the chunks that wait for the agent, as Faust does when partitions are revoked."""
        while not self._chunks.empty():
            self._chunks.get_nowait()

    async def end(self) -> None:
        """Ends as Faust does after SIGTERM: agents end first, then partitions are returned."""
        self._tasks[0].cancel()
        await asyncio.sleep(self.edge.chance.between("what runs beside ends", *ENDS_S))
        for task in self._tasks:
            task.cancel()
        await self.consumer.give_back()
        self.group.leave(self.consumer)

    def is_behind(self, log_end: int) -> bool:
        """Whether it has read no record that a log which now ends at `log_end` has lost."""
        return True


class SequencerWorker(Worker):
    """Composed as in `streams.workers.sequencer_worker`."""

    def __init__(self, edge: Edge, group: Group, age: int) -> None:
        super().__init__(edge)
        self.group = group
        self.sequencer = Sequencer(
            SequencerIdentity(edge.name, "simulated"),
            SimulatedProducer(edge),  # type: ignore[arg-type]
            _DECODER,
            edge.stop,
            clock=edge.loop.time,
        )
        self.consumer = SimulatedConsumer(
            Membership(
                edge,
                group,
                edge.broker.sources,
                EVENTS_A_FETCH,
                self._starting_positions,
                self._revoked,
                lambda _: None,
                age,
            )
        )
        self.begin(self._follow)

    async def _starting_positions(
        self, assigned: set[TP], committed: Mapping[TP, int | None]
    ) -> Mapping[TP, int]:
        await asyncio.sleep(self.edge.delay("a look at the cluster"))
        sources, log = self.edge.broker.sources, self.edge.broker.log
        cluster = Cluster(
            source_of(self.edge.broker),
            {tp: committed[tp] for tp in sorted(assigned)},
            {tp: Bounds(0, sources[tp].end) for tp in sorted(assigned)},
            log.end,
        )
        fold = self._fold_position(self.edge.broker.heartbeats)
        starts = await self.sequencer.begin(self.consumer, cluster, fold)
        positions = {tp.partition: at for tp, at in sorted(starts.items())}
        self.edge.note(
            self.edge.name, f"begins at {positions}; committed {list(committed.values())}"
        )
        return starts

    def _revoked(self) -> None:
        self.drop_chunks()
        self.sequencer.end_epoch()

    async def handle(self, message: Any) -> None:
        """See `Worker.handle`."""
        await self.sequencer.sequence(message)

    async def _follow(self) -> None:
        heartbeats: Any = None
        while True:
            await asyncio.sleep(1.0)
            if heartbeats != self.edge.broker.heartbeats:
                heartbeats = dict(self.edge.broker.heartbeats)
                self.sequencer.follow(self._fold_position(heartbeats))
                self.sequencer.recover_lost_rows()

    def _fold_position(self, heartbeats: Mapping[str, Heartbeat]) -> FoldPosition:
        return fold_position(heartbeats, generations_of(lifecycle_of(self.edge.broker)))


class RecommenderWorker(Worker):
    """Composed as in `streams.workers.recommender_worker`; an identity may have several."""

    def __init__(
        self,
        edge: Edge,
        group: Group,
        age: int,
        disk: Disk,
        redis: Redis,
        groups: Groups,
        generation: str,
        *,
        follows_plan: bool,
    ) -> None:
        super().__init__(edge)
        self.group = group
        self.generation = generation
        it = RecommenderIdentity.parsed(group.name)
        assert it is not None
        self.place = it.place
        fold = new_fold()
        journal = SimulatedJournal(edge) if follows_plan else None
        self.serving: Serving = AlwaysServing()
        topic: TopicWriter = SimulatedTopicWriter(edge, group.name)
        if journal is not None:
            serving = self.serving = serving_of(edge, journal, generation, group.name, redis)
            topic = serving.first_topic()
        maker = ListMaker(fold, generation, shard=it.shard, shards=it.shards, shape=ListShape(K))
        clock = edge.loop.time
        log = LogEdge(lambda: LogReader(edge), partial(append_control, edge))  # type: ignore[arg-type,return-value]
        self.publisher = Publisher(
            fold,
            maker,
            RemoteLists(edge, redis, generation, it.place),
            topic,
            erased_ids_reader(log.read),
            made_by=generation if follows_plan else "",
            lists_a_publication_max=edge.chance.pick(edge.name + " publishes", PUBLICATIONS_OF),
            clock=clock,
        )
        state = StateKeeper(
            fold,
            SimulatedSnapshots(edge, disk),  # type: ignore[arg-type]
            configuration="simulated",
            read_log=log.read,
            clock=clock,
        )
        takeover = Takeover(
            self.publisher,
            SimulatedFormerShards(edge, group.name, groups),
            read_log=log.read,
            fold=fold,
            retry_s=HEARTBEAT_S,
            serving=self.serving,
        )
        self.recommender = Recommender(
            Identity(group.name, generation),
            Cadence(
                progress_every_s=HEARTBEAT_S,
                snapshot_every_s=edge.chance.pick(f"{edge.name} keeps", SNAPSHOTS_EVERY_S),
                digest_every_records=8,
            ),
            fold=fold,
            publisher=self.publisher,
            ownership=Ownership(takeover, self.publisher, state, log=log, fold=fold, clock=clock),
            state=state,
            progress=Heartbeats(edge),  # type: ignore[arg-type]
        )
        self.consumer = SimulatedConsumer(
            Membership(
                edge,
                group,
                {LOG: edge.broker.log},
                LOG_RECORDS_A_FETCH,
                self._starting_positions,
                self.drop_chunks,
                lambda assigned: self.recommender.ownership.on_assigned(bool(assigned)),
                age,
            )
        )
        self.begin(self._beat, *([journal.follow] if journal is not None else []))

    async def _starting_positions(
        self, assigned: set[TP], _: Mapping[TP, int | None]
    ) -> Mapping[TP, int]:
        begins = await self.recommender.begin()
        self.edge.note(self.edge.name, f"folds from {begins}")
        return dict.fromkeys(assigned, begins)

    async def handle(self, message: Any) -> None:
        """See `Worker.handle`."""
        await self.recommender.learn(message.value)
        self.edge.may_die("between publishing and the acknowledgement")
        self.consumer.ack(message)

    async def _beat(self) -> None:
        while True:
            await self.recommender.heartbeat()

    async def end(self) -> None:
        """See `Worker.end`."""
        await super().end()
        await self.recommender.end()

    def is_behind(self, log_end: int) -> bool:
        """See `Worker.is_behind`."""
        reached = max(self.recommender.fold.offset + 1, self.consumer._fetch_at.get(LOG, 0))
        return reached <= log_end and not self.recommender.ownership.is_loading


class LogReader:
    """Reads the log outside of the stream, as `streams.kafka.log_reader` does."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def __enter__(self) -> Self:
        self._edge.block("a look at the log")
        return self

    def __exit__(self, *_: object) -> None: ...

    def topic_id(self) -> str:
        """Topic id of the log."""
        return "simulated log"

    def bounds(self) -> Bounds:
        """Start and end offset of the log."""
        return Bounds(0, self._edge.broker.log.end)

    def hash_at(self, offset: int) -> str | None:
        """See `streams.kafka.log_reader.LogReader`."""
        records = self._edge.broker.log.records
        if not 0 <= offset < len(records):
            return None
        return record_hash(records[offset].value or b"", records[offset].timestamp)

    def records(self, first: int, last: int) -> Iterator[tuple[int, bytes]]:
        """See `streams.kafka.log_reader.LogReader`."""
        for each in self._edge.broker.log.records[first : last + 1]:
            self._edge.block("a record of the log")
            yield each.offset, each.value or b""

    def decoded(self, first: int, last: int) -> Iterator[tuple[int, LogRecord]]:
        """See `streams.kafka.log_reader.LogReader`."""
        for offset, value in self.records(first, last):
            yield offset, decode_log_record(value, offset)


def append_control(edge: Edge, control: ControlRecord) -> int:
    """Appends to the log as `write_control` does; its answer may be delayed."""
    edge.block("a control record")
    offset = edge.broker.append(edge.broker.log, encode_log_record(control))
    edge.note(edge.name, f"{control} at {offset}")
    edge.block("a control record's answer")
    return offset


class Heartbeats:
    """The twin of `HeartbeatWriter`; a heartbeat may be lost."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def write(self, progress: LearningProgress) -> None:
        """Sends a heartbeat."""
        edge = self._edge
        edge.may_die("before a heartbeat")
        if not edge.chance.strikes("lost heartbeat", edge.name, 0.05):
            later(edge.loop, edge.delay("a heartbeat"), self._land, progress)

    def _land(self, progress: LearningProgress) -> None:
        broker = self._edge.broker
        broker.heartbeats[progress.recommender_id] = (broker.now_ms(), progress)

    def close(self) -> None:
        """Does nothing, because nothing is queued."""


def source_of(broker: Broker) -> Source:
    """The source topic of the sequencers."""
    return Source(LISTENING_EVENTS.name, TOPIC_ID, len(broker.sources))
