"""A lease in Redis: of all processes that want to do some work, one at a time holds it.

A holder that is frozen for longer than its lease does not know that another one has it. So what
is done under a lease has to bear being done twice.
"""

import time
import uuid
from contextlib import suppress

from redis.asyncio import Redis

from streams.redis_client import REDIS_UNAVAILABLE, text_at

LEASE_S = 5
_FOR_EVER = -1
"""What Redis says of a key that has no end; of one that is not there it says -2."""


class RedisLease:
    """The lease `name`; methods raise what `REDIS_UNAVAILABLE` names."""

    def __init__(self, redis: Redis, name: str, prefix: str = "") -> None:
        self._redis = redis
        self._key = f"{prefix}echotune:lease:{name}"
        self._me = uuid.uuid4().hex
        self._until = 0.0

    async def holds(self) -> bool:
        """Whether this process has the lease; takes it if nobody has, and prolongs its own."""
        now = time.monotonic()
        if now < self._until - LEASE_S / 2:
            return True
        is_taken = not await self._redis.set(self._key, self._me, nx=True, ex=LEASE_S)
        if not is_taken or await self._is_free():
            await self._redis.set(self._key, self._me, ex=LEASE_S)
            self._until = now + LEASE_S
            return True
        return False

    async def _is_free(self) -> bool:
        """Whether the lease is this process' own, or the key holds somebody else's value.

        Every lease ends soon, so that a value that stays for longer, or for ever, is none. One that
        has just ended is for whoever asks next.
        """
        if await text_at(self._redis, self._key) == self._me.encode():
            return True
        left_s = await self._redis.ttl(self._key)
        return left_s == _FOR_EVER or left_s > LEASE_S

    async def release(self) -> None:
        """Gives the lease up, so that another process goes on at once."""
        if time.monotonic() < self._until:
            with suppress(*REDIS_UNAVAILABLE):
                await self._redis.delete(self._key)
