"""Composes a sequencer: settings and servers in, a Faust app and its parts out."""

import asyncio
import os
import socket
from collections.abc import Mapping
from importlib.metadata import version

import faust
import orjson
from faust.types import TP

from streams.addresses import Addresses
from streams.agents.sequence import Sequencer, Source
from streams.acknowledged_producer import AcknowledgedProducer
from streams.batch_transport import ChunkSchema
from streams.composition import faust_app
from streams.progress_reader import FoldPosition, ProgressReader
from streams.redis_client import REDIS_AWAY, STATUS_TTL_S, redis_of
from streams.settings import Settings
from streams.topic_ids import bounds_of, describe_topic
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder

APP_ID = "echotune-sequencer"
_CAUGHT_UP_TIMEOUT_S = 10.0
_FLUSH_TIMEOUT_S = 3.0
_HEARTBEAT_S = 1.0


class SequencerWorker:
    """A sequencer and what surrounds it; everything is made on the worker's event loop."""

    def __init__(self, settings: Settings, addresses: Addresses) -> None:
        self._addresses = addresses
        self._loop = asyncio.get_running_loop()
        described = describe_topic(addresses.kafka, LISTENING_EVENTS.name)
        self._producer = AcknowledgedProducer(addresses.kafka)
        self.sequencer = Sequencer(
            Source(LISTENING_EVENTS.name, *described),
            self._producer,
            Decoder(LISTENING_EVENTS.contracts),
            sequencer_id=f"{socket.gethostname()}-{os.getpid()}",
            version=version("echotune"),
        )
        self._progress = ProgressReader(addresses.kafka, self._on_progress)
        self._redis = redis_of(addresses)
        self.app = faust_app(
            settings,
            addresses,
            APP_ID,
            starting_positions=self._begin,
            chunk_records_max=settings.chunk_records_max,
        )
        _add_agent(self.app, self.sequencer)
        self.app.on_partitions_revoked.connect(self._revoke)
        self.app.task(self._heartbeat)

    async def _begin(
        self, assigned: set[TP], committed: Mapping[TP, int | None]
    ) -> Mapping[TP, int]:
        await asyncio.to_thread(self._progress.wait_caught_up, _CAUGHT_UP_TIMEOUT_S)
        bounds = await asyncio.to_thread(
            bounds_of, self._addresses.kafka, LISTENING_EVENTS.name, [tp.partition for tp in assigned]
        )
        return await self.sequencer.begin(
            self.app.consumer,
            committed,
            {tp: bounds[tp.partition] for tp in assigned},
            self._progress.position,
        )

    async def _revoke(self, _: faust.App, revoked: set[TP], **__: object) -> None:
        self.sequencer.revoke()

    def _on_progress(self, fold: FoldPosition) -> None:
        asyncio.run_coroutine_threadsafe(self._follow(fold), self._loop)

    async def _follow(self, fold: FoldPosition) -> None:
        try:
            self.sequencer.follow(fold)
            self.sequencer.heal()
        except Exception as error:  # not understood: stop, and begin again where the fold stands
            await self.app.crash(error)

    async def _heartbeat(self) -> None:
        key = f"echotune:status:sequencer:{self.sequencer.sequencer_id}"
        while not self.app.should_stop:
            try:
                await self._redis.set(key, orjson.dumps(self.sequencer.status()), ex=STATUS_TTL_S)
            except REDIS_AWAY:
                pass  # status is for people; sequencing does not need Redis
            await asyncio.sleep(_HEARTBEAT_S)

    async def start(self) -> None:
        """Begins to follow the folds."""
        self._progress.start()

    async def end(self) -> None:
        """Waits a little for what is on its way; what is not acknowledged comes again."""
        await self._producer.close(_FLUSH_TIMEOUT_S)
        await asyncio.to_thread(self._progress.close)
        await self._redis.aclose()


def _add_agent(app: faust.App, sequencer: Sequencer) -> None:
    topic = app.topic(LISTENING_EVENTS.name, schema=ChunkSchema(), value_type=bytes)

    @app.agent(topic, name="sequence", concurrency=1)
    async def sequence(chunks: faust.StreamT) -> None:
        async for event in chunks.noack().events():
            try:
                await sequencer.sequence(event.message)
            except Exception as error:  # not understood: stop before anything is acknowledged
                await app.crash(error)
                return
