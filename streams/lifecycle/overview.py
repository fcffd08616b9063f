"""What is known of all generations: from the journal, and from the statuses of recommenders."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import orjson
from redis.asyncio import Redis

from streams.addresses import Addresses, shown
from streams.kafka.log_reader import LogReader
from streams.lifecycle.journal import Journal
from streams.lifecycle.lifecycle import Lifecycle
from streams.lifecycle.pointer import PointerWriter
from streams.monitoring.worker_status import STATUS_TTL_S, recommender_statuses
from streams.recommender_identity import RecommenderIdentity
from streams.redis_client import REDIS_UNAVAILABLE, redis_of
from streams.redis_refusals import redis_error
from streams.settings import Settings

_LOOK_EVERY_S = 0.1


async def overview(
    settings: Settings, addresses: Addresses, lifecycle: Lifecycle
) -> list[dict[str, Any]]:
    """One JSON object for each generation, in order of creation."""
    log_end = await asyncio.to_thread(_log_end, addresses.kafka)
    redis = redis_of(addresses)
    try:
        return [
            await _of_one(settings, redis, lifecycle, name, log_end)
            for name in lifecycle.generations
        ]
    finally:
        await redis.aclose()


async def statuses_of(
    settings: Settings, addresses: Addresses, name: str, shards: int
) -> tuple[list[dict[str, Any]], int]:
    """The status of each shard, empty where it is not heard, and the log's end."""
    log_end = await asyncio.to_thread(_log_end, addresses.kafka)
    redis = redis_of(addresses)
    try:
        return await _statuses(settings, redis, name, shards), log_end
    finally:
        await redis.aclose()


async def statuses_heard_anew(
    settings: Settings, addresses: Addresses, name: str, shards: int
) -> tuple[list[dict[str, Any]], int]:
    """Like `statuses_of`, once each shard that has a status was heard after the call.

    A process that was killed a moment ago still has a status. It is waited for until that is gone.
    """
    redis = redis_of(addresses)
    began = time.monotonic()
    try:
        while True:
            waited_ms = 1_000 * (time.monotonic() - began)  # before the reading, which may be slow
            statuses = await shard_statuses(settings, redis, name, shards)
            is_known = all(each.get("heard_ms", 0) <= waited_ms for each in statuses)
            if is_known or waited_ms > 1_000 * STATUS_TTL_S:
                return statuses, await asyncio.to_thread(_log_end, addresses.kafka)
            await asyncio.sleep(_LOOK_EVERY_S)
    except REDIS_UNAVAILABLE as error:
        raise redis_error(shown(addresses.redis), error) from error
    finally:
        await redis.aclose()


async def every_status(
    settings: Settings, addresses: Addresses, lifecycle: Lifecycle
) -> list[dict[str, Any]]:
    """The statuses of all recommenders that are heard."""
    redis = redis_of(addresses)
    try:
        found = [
            await _statuses(settings, redis, name, generation.shards)
            for name, generation in lifecycle.generations.items()
        ]
    finally:
        await redis.aclose()
    return [each for statuses in found for each in statuses if each]


async def heard_of(settings: Settings, addresses: Addresses) -> dict[str, Any]:
    """The status of the recommender of `settings`; raises `REDIS_UNAVAILABLE`."""
    redis = redis_of(addresses)
    try:
        found = await recommender_statuses(redis, [settings.recommender_id], settings.prefix)
    finally:
        await redis.aclose()
    return found.statuses[0]


async def set_pointer(settings: Settings, addresses: Addresses, journal: Journal) -> bool:
    """Writes the plan to Redis; returns whether Redis has it."""
    redis = redis_of(addresses)
    pointer = PointerWriter(redis, journal, settings.prefix)
    try:
        await pointer.write()
        while pointer.is_behind:
            journal.read()
            await pointer.write()
    except REDIS_UNAVAILABLE:
        return False  # the recommenders of the plan write it as soon as Redis answers
    finally:
        await redis.aclose()
    return True


def _log_end(kafka: str) -> int:
    with LogReader(kafka) as log:
        return log.bounds().end


async def shard_statuses(
    settings: Settings, redis: Redis, name: str, shards: int
) -> list[dict[str, Any]]:
    """The status of each shard, empty where it is not heard; raises `REDIS_UNAVAILABLE`."""
    every = [
        str(RecommenderIdentity.of_generation(name, at, shards, prefix=settings.prefix))
        for at in range(shards)
    ]
    return (await recommender_statuses(redis, every, settings.prefix)).statuses


async def _statuses(
    settings: Settings, redis: Redis, name: str, shards: int
) -> list[dict[str, Any]]:
    try:
        return await shard_statuses(settings, redis, name, shards)
    except REDIS_UNAVAILABLE:
        return [{} for _ in range(shards)]


async def _of_one(
    settings: Settings, redis: Redis, lifecycle: Lifecycle, name: str, log_end: int
) -> dict[str, Any]:
    generation, plan = lifecycle.generations[name], lifecycle.plan
    statuses = await _statuses(settings, redis, name, generation.shards)
    heard = [each for each in statuses if each]
    as_of = min((int(each["as_of"]) for each in heard), default=None)
    recorded = orjson.loads(generation.created.settings)
    autopilot = lifecycle.autopilots.get(name)
    return {
        "name": name,
        "role": lifecycle.role_of(name).value,
        "state": generation.state.value,
        "share": plan.share if name == plan.canary else None,
        "like": generation.created.like,
        "model": _model_in_words(recorded["model"]),
        "settings": recorded,
        "fold_id": generation.created.fold_id,
        "fold_version": generation.created.fold_version,
        "log": generation.created.log,
        "log_id": generation.created.log_id,
        "shards": generation.shards,
        "heard": len(heard),
        "as_of": as_of,
        "lag_records": None if as_of is None else max(0, log_end - 1 - as_of),
        "gate_open": bool(heard) and all(each.get("publishing") for each in statuses),
        "freshness_ms": heard[0].get("freshness_ms", {}) if heard else {},
        "quality": heard[0].get("quality", {}) if heard else {},
        "baseline": heard[0].get("baseline", {}) if heard else {},
        "memory_bytes": max(
            (each.get("memory", {}).get("used_bytes", 0) for each in heard), default=None
        ),
        "autopilot": autopilot._asdict() if autopilot else None,
        "created_at": generation.created_at,
        "why": generation.created.why,
    }


def _model_in_words(config: Mapping[str, Any]) -> str:
    """The model as ECHOTUNE_MODEL names it, without its parameters."""
    name = str(config.get("model"))
    return f"{name}:{config['ranker']}" if "ranker" in config else name
