"""Composes a recommender: its Faust app and its parts, from settings and addresses."""

import asyncio
from collections.abc import Mapping
from functools import partial

import faust
import structlog
from faust.types import TP
from faust.types.tuples import Message
from redis.asyncio import Redis

from infra.home import claim_if_possible
from infra.memory import memory_status
from streams.addresses import Addresses
from streams.agents.recommend import Cadence, Identity, Recommender
from streams.answering.answers import Answer
from streams.answering.model_answers import model_answer
from streams.answering.question_door import question_door
from streams.answering.questions import Question
from streams.folding.fold import Fold
from streams.generation.fold_factory import configuration_of, lists_made_by, new_fold
from streams.heartbeats.heartbeat_writer import HeartbeatWriter
from streams.kafka.cluster import prefixed
from streams.kafka.log_reader import LogReader, ReadLog
from streams.kafka.log_writer import write_control
from streams.kafka.pacer import Pace
from streams.kafka.voided_records import LogDecoder
from streams.lifecycle.journal import Journal
from streams.lifecycle.retirement import is_retired
from streams.lifecycle.roles import ServingOfJournal
from streams.lists.list_maker import list_maker
from streams.lists.redis_lists import redis_lists
from streams.monitoring.drift_alarms import AlarmTopic, DriftAlarmPublisher
from streams.monitoring.latest_play import LatestPlay
from streams.monitoring.worker_status import write_recommender_status
from streams.ownership.ownership import LogEdge, Ownership
from streams.ownership.resharding import FormerShards
from streams.ownership.takeover import Takeover
from streams.publishing.publisher import Publisher
from streams.publishing.redis_alone import RedisAlone
from streams.publishing.removals import erased_ids_reader
from streams.publishing.topic_listeners import listeners_in_topic
from streams.publishing.topic_transactions import TopicTransactions, clients_of
from streams.publishing.topic_writer import TopicWriter
from streams.redis_client import redis_of
from streams.registry.contracts import registry_of
from streams.registry.registered_id import RegisteredId
from streams.settings import Settings
from streams.snapshots.snapshot_folder import SnapshotFolder
from streams.snapshots.state_keeper import StateKeeper
from streams.tracks.catalogue_feed import CatalogueFeed
from streams.tracks.mongo_track_catalogue import MongoTrackCatalogue
from streams.workers.beside_live import BesideLive
from streams.workers.faust_app import add_agent, faust_app
from topics.catalogue import LEARNING_LOG, RECOMMENDATIONS

_log = structlog.get_logger(__name__)

PROCESSOR_SHARE = 0.5
"""Share of one processor; a worker that uses more waits longer between fetches (pacing)."""
_LOG_RECORDS_A_CHUNK = 64


class RecommenderWorker:
    """A recommender with its app and clients; all are created on the worker's event loop."""

    def __init__(self, settings: Settings, addresses: Addresses, journal: Journal) -> None:
        """`journal` was read, and its generation is not parked."""
        self._redis, self._prefix = redis_of(addresses), settings.prefix
        self._journal, self._generation = journal, settings.generation
        self._feed = _feed(settings, addresses)
        self._beside_live = BesideLive(settings.generation, journal, self._redis, settings.prefix)
        self.recommender = _recommender(settings, addresses, self._redis, self._feed, journal)
        self.recommender.decode = LogDecoder(addresses.kafka).decoded
        self.app = faust_app(
            settings,
            addresses,
            settings.recommender_id,
            starting_positions=self._begin,
            chunk_records_max=_LOG_RECORDS_A_CHUNK,
            pace=Pace(PROCESSOR_SHARE, settings.gather_ms / 1000),
        )
        log = prefixed(addresses.kafka, LEARNING_LOG.name)
        add_agent(self.app, log, "recommend", self._recommend)
        self.app.on_partitions_assigned.connect(self._own_or_stand_by)
        self.app.task(self._heartbeat)
        self._door = question_door(
            *(self._redis, settings.generation, settings.prefix, self._answer),
            is_owner=lambda: self.recommender.ownership.is_owner,
            is_ready=self._is_ready,
        )
        self._answering: asyncio.Task[None] | None = None
        self._feeding: asyncio.Task[None] | None = None

    async def _begin(self, assigned: set[TP], _: Mapping[TP, int | None]) -> Mapping[TP, int]:
        await self._beside_live.look()  # a limit holds from the first chunk on
        log = _log_in(assigned)
        return dict.fromkeys(log, await self.recommender.begin()) if log else {}

    async def _recommend(self, chunk: Message) -> None:
        fold, log_end = self.recommender.fold, self.app.consumer.highwater(chunk.tp) or 0
        async for piece in self._beside_live.pieces(chunk.value, log_end):
            learnt = fold.learnt
            await self.recommender.learn(piece)
            self._beside_live.folded(fold.learnt - learnt)
        self.app.consumer.ack(chunk)

    def _is_ready(self) -> bool:
        """Whether the state is as far as the lists of listeners are, and near the log's end."""
        return self.recommender.publisher.is_open and not self._beside_live.is_far_behind

    def _answer(self, question: Question) -> Answer | None:
        """The model's answer; None for a listener of another shard."""
        if not self.recommender.publisher.owns(question.listener_id):
            return None
        return model_answer(self.recommender.fold, self._generation, question)

    async def _own_or_stand_by(self, _: faust.App, assigned: set[TP], **__: object) -> None:
        is_owner = bool(_log_in(assigned))
        if is_owner:
            _log.info("owns the log", who=self.recommender.identity.recommender_id)
        self.recommender.ownership.on_assigned(is_owner=is_owner)

    async def _heartbeat(self) -> None:
        recommender_id = self.recommender.identity.recommender_id
        while not self.app.should_stop:
            await self.recommender.heartbeat()
            await self._beside_live.look()
            if self.recommender.ownership.is_owner:
                status = self.recommender.status() | {
                    "memory": memory_status(),
                    "pace": self._beside_live.status(),
                    "questions": self._door.status(),
                }
                await write_recommender_status(self._redis, recommender_id, status, self._prefix)

    async def start(self) -> None:
        """Starts to answer questions, and to feed the catalogue of tracks."""
        self._answering = asyncio.create_task(self._door.run())
        if self._feed is not None:
            self._feeding = asyncio.create_task(self._feed.run())

    async def end(self, *, is_clean: bool) -> None:
        """Writes a snapshot and a last heartbeat, unless the state may be inconsistent."""
        if self._answering is not None:
            self._answering.cancel()
            await asyncio.gather(self._answering, return_exceptions=True)
        if is_clean:
            is_gone = is_retired(self._journal.lifecycle, self._generation)
            await self.recommender.end(is_kept=not is_gone)
        if self._feed is not None:
            await self._feed.close()
        if self._feeding is not None:
            self._feeding.cancel()
        await self._redis.aclose()


def _log_in(assigned: set[TP]) -> set[TP]:
    """The partition that is the log; others, which somebody has added, stay empty."""
    return {tp for tp in assigned if tp.partition == 0}


def _feed(settings: Settings, addresses: Addresses) -> CatalogueFeed | None:
    """Shard 0 of a generation feeds the track catalogue; None if MongoDB is not set."""
    if settings.shard != 0 or not addresses.mongo:
        return None
    return CatalogueFeed(MongoTrackCatalogue(addresses.mongo))


def _recommender(
    settings: Settings,
    addresses: Addresses,
    redis: Redis,
    feed: CatalogueFeed | None,
    journal: Journal,
) -> Recommender:
    fold = new_fold(settings)
    lists, maker = redis_lists(settings, redis), list_maker(settings, fold)
    transactions = TopicTransactions(
        settings.recommender_id, clients_of(addresses.kafka), prefix=settings.prefix
    )
    topic = TopicWriter(transactions, RegisteredId(registry_of(settings), RECOMMENDATIONS))
    alone = RedisAlone(transactions.renewed())
    log = LogEdge(partial(LogReader, addresses.kafka), partial(write_control, addresses.kafka))
    serving = ServingOfJournal(
        journal, settings.generation, topic, alone, redis, prefix=settings.prefix
    )
    serving.follow()
    publisher = Publisher(
        fold,
        maker,
        lists,
        serving.first_topic(),
        erased_ids_reader(log.read),
        made_by=lists_made_by(settings),
    )
    takeover = Takeover(
        publisher,
        FormerShards(addresses.kafka, settings.recommender_id),
        read_log=log.read,
        fold=fold,
        retry_s=settings.progress_every_s,
        serving=serving,
        read_topic=partial(listeners_in_topic, addresses.kafka),
    )
    state = _state_keeper(settings, log.read, fold)
    return Recommender(
        Identity(settings.recommender_id, settings.generation, settings.learn_until),
        Cadence(
            settings.progress_every_s, settings.snapshot_every_s, settings.digest_every_records
        ),
        fold=fold,
        publisher=publisher,
        ownership=Ownership(takeover, publisher, state, log=log, fold=fold),
        state=state,
        progress=HeartbeatWriter(addresses.kafka),
        latest_play=LatestPlay(feed),
        alarms=_alarms(settings, addresses),
    )


def _alarms(settings: Settings, addresses: Addresses) -> DriftAlarmPublisher | None:
    """Shard 0 of a generation publishes the alarms, because all shards raise the same ones."""
    if settings.shard != 0:
        return None
    return DriftAlarmPublisher(settings.generation, AlarmTopic(addresses.kafka))


def _state_keeper(settings: Settings, read_log: ReadLog, fold: Fold) -> StateKeeper:
    claim_if_possible(settings.home)
    folder = settings.home / "snapshots" / settings.recommender_id
    return StateKeeper(
        fold,
        SnapshotFolder(folder, keep=settings.snapshots_kept),
        read_log=read_log,
        configuration=configuration_of(settings),
    )
