"""Follows the learning-log, and keeps the listen history of all people up to date.

Of all services that run, one at a time does this: it holds a lease in Redis. Two that do it at
once, because a lease ended while its holder was frozen, write the same documents.

It goes on from its position in MongoDB. Verdicts are kept there, too, but less often, so it judges
the records in between once more and writes nothing of them. What an erasure or a departure of a
person means for everything else that is kept of them, `forget` does.
"""

import asyncio

import structlog
from redis.asyncio import Redis

from streams.listens.listen_history import NOTHING, HistoryPosition
from streams.listens.log_run import LogRun
from streams.listens.projection import Projection, ProjectionStores
from streams.redis_client import REDIS_UNAVAILABLE
from streams.redis_lease import RedisLease
from topics.errors import EchoTuneError

_log = structlog.get_logger(__name__)
PAUSE_S = 0.1
"""How long it waits at the end of the log: what comes meanwhile is one read and one write."""
_RETRY_S = 1.0


class ListenProjector:
    """Projects the log into the history of `stores`."""

    def __init__(self, stores: ProjectionStores, redis: Redis, *, prefix: str = "") -> None:
        self._stores = stores
        self._lease = RedisLease(redis, "listens", prefix)
        self._said = ""

    async def run(self) -> None:
        """Follows the log until it is cancelled; servers that are away are waited for."""
        while True:
            try:
                await self._stores.history.prepare()
                await self._follow()
            except (EchoTuneError, OSError, *REDIS_UNAVAILABLE) as error:
                if self._said != str(error):
                    self._said = str(error)
                    _log.warning("listens are not projected; trying again", error=self._said)
            await asyncio.sleep(_RETRY_S)

    async def _follow(self) -> None:
        while not await self._lease.holds():
            await asyncio.sleep(_RETRY_S)
        projection = await self._opened()
        try:
            while await self._lease.holds():
                if not await projection.step():
                    await asyncio.sleep(PAUSE_S)
                self._said = ""
        finally:
            await projection.close()

    async def _opened(self) -> Projection:
        stores = self._stores
        reader = await asyncio.to_thread(stores.open_log)
        try:
            log = await asyncio.to_thread(reader.topic_id)
            written = await stores.history.position()
            if written.log != log:  # of another log, or of none: everybody begins with this one
                written = HistoryPosition(log, NOTHING.offset, stores.people())
            found = await stores.kept.found(log, stores.duplicate_window, written.offset)
        except BaseException:
            reader.__exit__()
            raise
        verdicts, offset = found
        return Projection(stores, LogRun(reader, verdicts, written.people, offset), written)

    async def release(self) -> None:
        """Gives the lease up, so that another service goes on at once, and closes what it had."""
        await self._lease.release()
        self._stores.kept.close()
        self._stores.departures.close()
