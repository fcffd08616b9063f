"""The status of each worker, for operators: a JSON document in Redis with a TTL of seconds.

Keys: `echotune:status:recommender:{recommender_id}` and `echotune:status:sequencer:{sequencer_id}`.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson
from redis.asyncio import Redis

from streams.redis_client import REDIS_UNAVAILABLE

STATUS_TTL_S = 10
"""How long a status outlives its worker, at most."""
_RECOMMENDER = "echotune:status:recommender:"
_SEQUENCER = "echotune:status:sequencer:"
_SCAN_COUNT = 1_000


def recommender_key(recommender_id: str, prefix: str = "") -> str:
    """The Redis key of a recommender's status; `prefix` begins all keys of an installation."""
    return f"{prefix}{_RECOMMENDER}{recommender_id.removeprefix(prefix)}"


async def write_recommender_status(
    redis: "Redis", recommender_id: str, status: Mapping[str, Any], prefix: str = ""
) -> None:
    """Writes a recommender's status; does nothing if Redis is unavailable."""
    await _write(redis, recommender_key(recommender_id, prefix), status)


async def write_sequencer_status(
    redis: "Redis", sequencer_id: str, status: Mapping[str, Any], prefix: str = ""
) -> None:
    """Writes a sequencer's status; does nothing if Redis is unavailable."""
    await _write(redis, f"{prefix}{_SEQUENCER}{sequencer_id}", status)


async def _write(redis: "Redis", key: str, status: Mapping[str, Any]) -> None:
    with suppress(*REDIS_UNAVAILABLE):
        await redis.set(key, orjson.dumps(status), ex=STATUS_TTL_S)


async def recommender_statuses(
    redis: "Redis", recommender_ids: Sequence[str], prefix: str = ""
) -> list[dict[str, Any]]:
    """The status of each of `recommender_ids`, empty where it does not run.

    Raises what `REDIS_UNAVAILABLE` names.
    """
    found = await redis.mget([recommender_key(each, prefix) for each in recommender_ids])
    return [orjson.loads(each) if each else {} for each in found]


async def sequencer_statuses(redis: "Redis", prefix: str = "") -> list[dict[str, Any]]:
    """The status of every sequencer that runs; raises what `REDIS_UNAVAILABLE` names."""
    match = f"{prefix}{_SEQUENCER}*"
    keys = sorted([key async for key in redis.scan_iter(match=match, count=_SCAN_COUNT)])
    found = await redis.mget(keys) if keys else []
    return [orjson.loads(each) for each in found if each]
