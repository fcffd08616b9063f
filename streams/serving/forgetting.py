"""What the service keeps of a person beside their listens: it goes when they are erased.

An erasure in the log, or a removal, says until when. What was made later stays: whoever is erased
may begin anew, and the log may be read again long after.
"""

from dataclasses import dataclass

from redis.asyncio import Redis

from streams.kafka.log_reader import LogReader
from streams.listens.departures import Departures
from streams.listens.kept_playlists import KeptPlaylists
from streams.listens.kept_verdicts import KeptVerdicts
from streams.listens.listen_history import ListenHistory
from streams.listens.listen_projector import ListenProjector
from streams.listens.projection import ProjectionStores
from streams.relaying.relay_store import RelayStore
from streams.serving.playback_store import PLAYBACK, PlaybackStore
from streams.serving.playing_now import playing_key
from streams.serving.services import Services, now_ms
from streams.serving.skip_settler import SKIPS


@dataclass(frozen=True)
class InMongo:
    """Relays with their tokens, playlists, marks of imports, and who is being forgotten."""

    relays: RelayStore
    playlists: KeptPlaylists
    history: ListenHistory
    departures: Departures

    @classmethod
    def opened(cls, url: str, prefix: str) -> "InMongo":
        """The stores of an installation."""
        return cls(
            RelayStore(url, prefix=prefix),
            KeptPlaylists(url, prefix=prefix),
            ListenHistory(url, prefix=prefix),
            Departures(url, prefix=prefix),
        )

    async def forget(self, name: str, until_ms: int) -> None:
        """Deletes what there was of a person at a time; tokens of other services first."""
        await self.relays.forget(name, until_ms)
        await self.playlists.forget(name, until_ms)
        await self.history.forget_import(name, until_ms)

    async def depart(self, name: str) -> None:
        """Deletes everything of a person who was removed, and notes that a service has to."""
        await self.departures.note(name)
        await self.forget(name, now_ms())
        await self.history.forget(name)

    def close(self) -> None:
        """Closes all connections."""
        for each in (self.relays, self.playlists, self.history, self.departures):
            each.close()


class InRedis:
    """What players reported, and what plays now."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._reports = [PlaybackStore(redis, prefix, what) for what in (PLAYBACK, SKIPS)]
        self._prefix = prefix

    async def forget(self, name: str, until_ms: int) -> None:
        """Deletes what there was of a person at a time."""
        for each in self._reports:
            await each.forget(name, until_ms)
        await self._redis.delete(playing_key(self._prefix, name))


def listen_projector(services: Services, relays: RelayStore) -> ListenProjector:
    """The projector of the service's listens, which also has it forget people."""
    prefix, mongo = services.settings.prefix, services.addresses.mongo
    departures = Departures(mongo, prefix=prefix)
    in_mongo = InMongo(relays, services.playlists, services.history, departures)
    in_redis = InRedis(services.redis, prefix)

    async def forget(name: str, until_ms: int) -> None:
        await in_mongo.forget(name, until_ms)
        await in_redis.forget(name, until_ms)

    stores = ProjectionStores(
        open_log=lambda: LogReader(services.addresses.kafka),
        history=services.history,
        kept=KeptVerdicts(mongo, prefix=prefix),
        departures=departures,
        people=services.people.names,
        forget=forget,
        duplicate_window=services.settings.duplicate_window,
    )
    return ListenProjector(stores, services.redis, prefix=prefix)
