"""The status of each worker, for operators: a JSON document in Redis with a TTL of seconds.

Keys: `echotune:status:recommender:{recommender_id}`, `echotune:status:sequencer:{sequencer_id}`,
`echotune:status:http:{service_id}`, and `echotune:status:shards:{family}` with the M of the
recommenders of a generation.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict
from redis.asyncio import Redis

from streams.recommender_identity import RecommenderIdentity
from streams.redis_client import REDIS_UNAVAILABLE, text_at
from streams.settings import SHARDS_MAX

STATUS_TTL_S = 10
"""How long a status outlives its worker, at most."""
_RECOMMENDER = "echotune:status:recommender:"
_SEQUENCER = "echotune:status:sequencer:"
_SHARDS = "echotune:status:shards:"
_SERVICE = "echotune:status:http:"
_RELAYS = "echotune:status:relays"
_RELAYS_TTL_S = 30
_SCAN_COUNT = 1_000
_FOR_EVER = -1
_A_NUMBER = re.compile(rb"\d{1,4}")


class _Status(BaseModel):
    """The fields that readers compute with; another version may have more, or none of them."""

    model_config = ConfigDict(extra="allow", strict=True)


class _Quality(_Status):
    """How good the lists are."""

    scored: int = 0


class _Drift(_Status):
    """Alarms so far."""

    raised: int = 0


class _Recommender(_Status):
    """A recommender."""

    as_of: int
    applied: int = 0
    counts: dict[str, int] = {}
    masked: dict[str, int] = {}
    unchecked_duplicates: int = 0
    waits_for: list[str] = []
    latest: dict[str, str] = {}
    quality: _Quality = _Quality()
    baseline: _Quality = _Quality()
    drift: _Drift | None = None
    freshness_ms: dict[str, float | None] = {}
    redis_left_out: list[str] = []
    digest: str | None = None


class _Partition(_Status):
    """A partition of a sequencer."""

    acknowledged: int
    pause_s: float = 0.0


class _Sequencer(_Status):
    """A sequencer."""

    halted: str = ""
    partitions: dict[str, _Partition]


class _Service(_Status):
    """An HTTP service."""

    url: str


class _Relay(_Status):
    """A relay."""

    relay: str
    lag: int


class Found(NamedTuple):
    """The statuses that can be read, and the keys of all others."""

    statuses: list[dict[str, Any]]
    left_out: list[str]


def recommender_key(recommender_id: str, prefix: str = "") -> str:
    """The Redis key of a recommender's status; `prefix` begins all keys of an installation."""
    return f"{prefix}{_RECOMMENDER}{recommender_id.removeprefix(prefix)}"


async def write_recommender_status(
    redis: "Redis", recommender_id: str, status: Mapping[str, Any], prefix: str = ""
) -> None:
    """Writes a recommender's status, and its M; does nothing if Redis is unavailable."""
    await _write(redis, recommender_key(recommender_id, prefix), status)
    if (identity := RecommenderIdentity.parsed(recommender_id)) is not None:
        await _write(redis, _shards_key(identity.family, prefix), identity.shards)


async def shards_of(redis: "Redis", generation: str, prefix: str = "") -> int | None:
    """M of the recommenders of a generation that run; None if none runs."""
    family = RecommenderIdentity.of_generation(generation, 0, 1, prefix=prefix).family
    found = await text_at(redis, _shards_key(family, prefix))
    shards = int(found) if found and _A_NUMBER.fullmatch(found) else 0
    return shards if 1 <= shards <= SHARDS_MAX else None


def _shards_key(family: str, prefix: str) -> str:
    return f"{prefix}{_SHARDS}{family.removeprefix(prefix)}"


async def write_sequencer_status(
    redis: "Redis", sequencer_id: str, status: Mapping[str, Any], prefix: str = ""
) -> None:
    """Writes a sequencer's status; does nothing if Redis is unavailable."""
    await _write(redis, f"{prefix}{_SEQUENCER}{sequencer_id}", status)


async def write_service_status(
    redis: "Redis", service_id: str, status: Mapping[str, Any], prefix: str = ""
) -> None:
    """Writes an HTTP service's status; does nothing if Redis is unavailable."""
    await _write(redis, f"{prefix}{_SERVICE}{service_id}", status)


async def service_urls(redis: "Redis", prefix: str = "") -> list[str]:
    """Where the HTTP services that run are; raises what `REDIS_UNAVAILABLE` names."""
    found = await _found(redis, f"{prefix}{_SERVICE}*", _Service)
    return [each["url"] for each in found.statuses]


async def write_relay_statuses(
    redis: "Redis", statuses: Sequence[Mapping[str, Any]], prefix: str = ""
) -> None:
    """Writes the status of all relays; does nothing if Redis is unavailable."""
    with suppress(*REDIS_UNAVAILABLE):
        await redis.set(f"{prefix}{_RELAYS}", orjson.dumps(statuses), ex=_RELAYS_TTL_S)


async def relay_statuses(redis: "Redis", prefix: str = "") -> list[dict[str, Any]] | None:
    """The status of each relay; None if no service says it, or not as this version does."""
    found = await text_at(redis, f"{prefix}{_RELAYS}")
    if not found:
        return None
    try:
        statuses: list[dict[str, Any]] = orjson.loads(found)
        for each in statuses:
            _Relay.model_validate(each)
    except (ValueError, TypeError):
        return None
    return statuses


async def _write(redis: "Redis", key: str, status: Mapping[str, Any] | int) -> None:
    with suppress(*REDIS_UNAVAILABLE):
        await redis.set(key, orjson.dumps(status), ex=STATUS_TTL_S)


async def recommender_statuses(
    redis: "Redis", recommender_ids: Sequence[str], prefix: str = ""
) -> Found:
    """The status of each of `recommender_ids`, empty where it does not run or cannot be read.

    A status says in `heard_ms` how long ago it was written, by the clock of Redis alone. Raises
    what `REDIS_UNAVAILABLE` names.
    """
    keys = [recommender_key(each, prefix) for each in recommender_ids]
    left_ms, values = await _times_left(redis, keys)
    found = [_readable(each, _Recommender) for each in values]
    left_out = [key for key, each in zip(keys, found, strict=True) if each is None]
    statuses = [
        each | {"heard_ms": _age_ms(left)} if each else {}
        for each, left in zip(found, left_ms, strict=True)
    ]
    return Found(statuses, left_out)


def _age_ms(left_ms: int) -> int:
    """The age of a status, by the time that is left of it.

    One that was written after that was asked for (-2) has 0. No worker writes one without an end
    (-1), which is as old as can be.
    """
    if left_ms == _FOR_EVER:
        return STATUS_TTL_S * 1_000
    return max(0, STATUS_TTL_S * 1_000 - left_ms) if left_ms >= 0 else 0


async def sequencer_statuses(redis: "Redis", prefix: str = "") -> Found:
    """The status of every sequencer that runs; raises what `REDIS_UNAVAILABLE` names."""
    return await _found(redis, f"{prefix}{_SEQUENCER}*", _Sequencer)


async def _found(redis: "Redis", match: str, model: type[_Status]) -> Found:
    """The statuses whose keys match; what never ends is left out, because no worker writes that."""
    keys = sorted([key async for key in redis.scan_iter(match=match, count=_SCAN_COUNT)])
    if not keys:
        return Found([], [])
    left_ms, values = await _times_left(redis, keys)
    found = [
        None if left == _FOR_EVER else _readable(each, model)
        for each, left in zip(values, left_ms, strict=True)
    ]
    left_out = [_text(key) for key, each in zip(keys, found, strict=True) if each is None]
    return Found([each for each in found if each], left_out)


async def _times_left(
    redis: "Redis", keys: Sequence[str | bytes]
) -> tuple[list[int], list[bytes | str | None]]:
    """Until each of the keys expires, in ms, and their values."""
    async with redis.pipeline(transaction=False) as asked:
        for key in keys:
            asked.pttl(key)
        asked.mget(keys)
        *left_ms, values = await asked.execute()
    return left_ms, values


def _readable(value: bytes | str | None, model: type[_Status]) -> dict[str, Any] | None:
    """The status in `value`, empty without one; None if it is not one that can be read."""
    if not value:
        return {}
    try:
        status: dict[str, Any] = orjson.loads(value)
        model.model_validate(status)
        if isinstance(status.get("partitions"), dict):
            [int(each) for each in status["partitions"]]
    except ValueError:
        return None
    return status


def _text(key: bytes | str) -> str:
    return key if isinstance(key, str) else key.decode(errors="replace")
