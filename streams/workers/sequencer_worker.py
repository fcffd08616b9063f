"""Composes a sequencer: its Faust app and its parts, from settings and addresses."""

import asyncio
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import faust
import structlog
from faust.types import TP

from streams.addresses import Addresses
from streams.agents.sequence import Sequencer, SequencerIdentity
from streams.heartbeats.fold_position import FoldPosition
from streams.heartbeats.heartbeat_reader import HeartbeatReader
from streams.kafka.cluster import prefixed
from streams.kafka.idempotent_producer import IdempotentProducer
from streams.kafka.pacer import Pace
from streams.kafka.retries import until_answered
from streams.kafka.size_limit import SizeLimit
from streams.kafka.topic_facts import bounds_of, describe_topic
from streams.lifecycle.journal import Journal
from streams.lifecycle.known_generations import KnownGenerations
from streams.monitoring.worker_status import write_sequencer_status
from streams.redis_client import redis_of
from streams.registry.contracts import registry_of
from streams.registry.writer_schemas import WriterSchemas
from streams.sequencing.start_positions import Cluster, Source
from streams.settings import Settings
from streams.workers.faust_app import add_agent, faust_app
from topics.catalogue import DEAD_LETTERS, LEARNING_LOG, LEARNING_PROGRESS, LISTENING_EVENTS
from topics.codecs import Decoder
from topics.errors import ServerError

_log = structlog.get_logger(__name__)
PROCESSOR_SHARE = 0.3
"""Share of one processor; a worker that uses more waits longer between fetches (pacing)."""
_CAUGHT_UP_TIMEOUT_S = 10.0
_FLUSH_TIMEOUT_S = 3.0
_HEARTBEAT_S = 1.0
_TOPIC_ID_EVERY_S = 5.0


def new_sequencer_id() -> str:
    """A name for a sequencer that tells people where it runs.

    Its last part is random: two containers may have one hostname, and one pid.
    """
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


@dataclass(frozen=True)
class SequencerNames:
    """The sequencer's app id and topics; literal, because committed offsets depend on them."""

    app_id: str = "echotune-sequencer"
    listening_events: str = LISTENING_EVENTS.name
    learning_log: str = LEARNING_LOG.name
    learning_progress: str = LEARNING_PROGRESS.name
    dead_letters: str = DEAD_LETTERS.name


class SequencerWorker:
    """A sequencer with its app and clients; all are created on the worker's event loop."""

    def __init__(
        self,
        settings: Settings,
        addresses: Addresses,
        names: SequencerNames = SequencerNames(),
    ) -> None:
        self._kafka = addresses.kafka
        self._names = names
        self._loop = asyncio.get_running_loop()
        self._producer = IdempotentProducer(addresses.kafka, self._stop)
        schemas = WriterSchemas(registry_of(settings))
        dead_letters = prefixed(self._kafka, names.dead_letters)
        self.sequencer = Sequencer(
            SequencerIdentity(
                new_sequencer_id(),
                version("echotune"),
                prefixed(self._kafka, names.learning_log),
                dead_letters,
            ),
            self._producer,
            Decoder(LISTENING_EVENTS.contracts, schemas.lookup),
            self._stop,
            schemas=schemas,
            letter_bytes_max=SizeLimit(self._kafka, dead_letters).bytes_max,
        )
        self._journal = Journal(addresses.kafka)
        self._heartbeats = HeartbeatReader(
            addresses.kafka,
            self._on_progress,
            names.learning_progress,
            generations=KnownGenerations(self._journal),
        )
        self._redis = redis_of(addresses)
        self.app = faust_app(
            settings,
            addresses,
            prefixed(self._kafka, names.app_id),
            starting_positions=self._begin,
            chunk_records_max=settings.chunk_records_max,
            pace=Pace(PROCESSOR_SHARE, settings.gather_ms / 1000),
        )
        source = prefixed(self._kafka, names.listening_events)
        add_agent(self.app, source, "sequence", self.sequencer.sequence)
        self.app.on_partitions_revoked.connect(self._revoke)
        self.app.task(self._watch_topic_id)
        self.app.task(self._heartbeat)

    # -- starting -----------------------------------------------------------------------------

    async def _begin(
        self, assigned: set[TP], committed: Mapping[TP, int | None]
    ) -> Mapping[TP, int]:
        await asyncio.to_thread(self._heartbeats.wait_caught_up, _CAUGHT_UP_TIMEOUT_S)
        cluster = await until_answered(
            lambda: self._cluster({tp: committed[tp] for tp in assigned})
        )
        position = await asyncio.to_thread(lambda: self._heartbeats.position)
        begins = await self.sequencer.begin(self.app.consumer, cluster, position)
        _log.info("owns partitions", partitions=sorted(tp.partition for tp in assigned))
        return begins

    def _cluster(self, committed: Mapping[TP, int | None]) -> Cluster:
        name = self._names.listening_events
        bounds = bounds_of(self._kafka, name, [tp.partition for tp in committed])
        log = bounds_of(self._kafka, self._names.learning_log, [0])
        return Cluster(
            source=self._describe(),
            committed=committed,
            bounds={tp: bounds[tp.partition] for tp in committed},
            log_end=log[0].end,
        )

    def _describe(self) -> Source:
        name = self._names.listening_events
        return Source(prefixed(self._kafka, name), *describe_topic(self._kafka, name))

    async def _watch_topic_id(self) -> None:
        """Checks regularly whether the topic was recreated; the consumer only knows its name."""
        while not self.app.should_stop:
            await asyncio.sleep(_TOPIC_ID_EVERY_S)
            try:
                source = await asyncio.to_thread(self._describe)
            except ServerError:
                continue  # Kafka is unavailable: it is logged elsewhere
            self.sequencer.check_source(source)

    async def _revoke(self, _: faust.App, revoked: set[TP], **__: object) -> None:
        self.sequencer.end_epoch()

    # -- following ----------------------------------------------------------------------------

    def _on_progress(self, fold: FoldPosition) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._follow, fold)

    def _follow(self, fold: FoldPosition) -> None:
        try:
            self.sequencer.follow(fold)
            self.sequencer.recover_lost_rows()
        except Exception as error:  # not understood: stop, and begin again where the fold stands
            self._stop(error)

    def _stop(self, error: BaseException) -> None:
        self._crash = self._loop.create_task(self.app.crash(error))

    # -- status -------------------------------------------------------------------------------

    async def _heartbeat(self) -> None:
        sequencer_id = self.sequencer.identity.sequencer_id
        while not self.app.should_stop:
            await write_sequencer_status(
                self._redis, sequencer_id, self.status(), prefixed(self._kafka, "")
            )
            await asyncio.sleep(_HEARTBEAT_S)

    def status(self) -> dict[str, Any]:
        """The sequencer's status, with the lag of each partition in records."""
        status = self.sequencer.status()
        for tp, pipeline in self.sequencer.pipelines.items():
            end = self._end_of(tp)
            status["partitions"][str(tp.partition)]["lag"] = (
                None if end is None else max(0, end - pipeline.next_to_acknowledge)
            )
        return status

    def _end_of(self, tp: TP) -> int | None:
        if tp not in self.app.consumer.assignment():
            return None
        end: int | None = self.app.consumer.highwater(tp)
        return end

    # -- life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Starts to follow the heartbeats of the folds."""
        self._heartbeats.start()

    async def end(self, *, is_clean: bool) -> None:
        """Waits briefly for records in flight; an unacknowledged chunk is read again."""
        await self._producer.close(_FLUSH_TIMEOUT_S)
        await asyncio.to_thread(self._heartbeats.close)
        await asyncio.to_thread(self._journal.close)
        await self._redis.aclose()
