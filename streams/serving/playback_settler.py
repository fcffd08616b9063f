"""Makes one listening event of each play that players reported, once it is settled.

Of all services that run, one at a time does this. An event is produced before its reports are
forgotten: a crash between the two produces it again, with the same id.
"""

import asyncio

import structlog
from redis.asyncio import Redis

from streams.producers.acknowledged_producer import AcknowledgedProducer, event_record
from streams.redis_client import REDIS_UNAVAILABLE
from streams.redis_lease import RedisLease
from streams.serving.playback import settled
from streams.serving.playback_events import event_of_play
from streams.serving.playback_store import PLAYBACK, PlaybackStore, Player
from streams.serving.services import now_ms
from topics.errors import EchoTuneError

_log = structlog.get_logger(__name__)
EVERY_S = 0.5
_RETRY_S = 1.0
_PLAYERS_A_STEP = 200


class PlaybackSettler:
    """Settles plays until it is cancelled; servers that are away are waited for."""

    def __init__(
        self,
        redis: Redis,
        producer: AcknowledgedProducer,
        prefix: str = "",
        *,
        what: str = PLAYBACK,
    ) -> None:
        self._store = PlaybackStore(redis, prefix, what)
        self._producer = producer
        self._lease = RedisLease(redis, what, prefix)
        self._said = ""

    async def run(self) -> None:
        """Looks at what is due, again and again."""
        while True:
            try:
                if await self._lease.holds():
                    await self.step(now_ms())
                self._said = ""
                await asyncio.sleep(EVERY_S)
            except (EchoTuneError, *REDIS_UNAVAILABLE) as error:
                if self._said != str(error):
                    self._said = str(error)
                    _log.warning("plays are not settled; trying again", error=self._said)
                await asyncio.sleep(_RETRY_S)

    async def step(self, now: int) -> None:
        """Settles what is due at `now`."""
        for player in await self._store.due(now, _PLAYERS_A_STEP):
            try:
                await self._settle(player, now)
            except (EchoTuneError, *REDIS_UNAVAILABLE):
                raise
            except Exception:  # the other players go on; this one is looked at again later
                _log.exception("the reports of a player cannot be settled")

    async def _settle(self, player: Player, now: int) -> None:
        kept = await self._store.kept(player)
        found = settled(kept.received, now)
        events = [
            event_of_play(player.listener_id, player.name, each)
            for each in found.plays
            if each.counts
        ]
        if events:
            await self._producer.produce(map(event_record, events))
        await self._store.settle(player, kept, found)

    async def release(self) -> None:
        """Gives the lease up."""
        await self._lease.release()
