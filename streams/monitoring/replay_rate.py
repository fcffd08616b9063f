"""An operator's limit of how fast a generation catches up: a key in Redis, read by its workers.

It survives restarts of the workers. If Redis loses it, the limit is gone, and the fold adapts to
the live ones as it does without a limit.
"""

from redis.asyncio import Redis

from streams.redis_client import text_at

KEPT_S = 30 * 24 * 3600
"""How long a limit is kept: longer than a replay takes."""


def rate_key(generation: str, prefix: str = "") -> str:
    """The Redis key of a generation's limit; `prefix` begins all keys of an installation."""
    return f"{prefix}echotune:rate:{generation}"


async def set_rate(redis: Redis, generation: str, rate: float, prefix: str = "") -> None:
    """Sets the limit in events a second; 0 removes it."""
    key = rate_key(generation, prefix)
    if rate > 0:
        await redis.set(key, f"{rate:g}", ex=KEPT_S)
    else:
        await redis.delete(key)


async def rate_of(redis: Redis, generation: str, prefix: str = "") -> float | None:
    """The limit in events a second; None if there is none."""
    found = await text_at(redis, rate_key(generation, prefix))
    try:
        rate = float(found or 0)
    except ValueError:  # somebody else's key
        return None
    return rate if rate > 0 else None
