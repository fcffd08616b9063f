"""Status of the whole system, with consumer lag: from Redis, Kafka and the workers' statuses."""

import asyncio
from typing import Any

from redis.asyncio import Redis

from streams.addresses import Addresses, shown_addresses
from streams.kafka.log_reader import LogReader
from streams.kafka.topic_facts import Bounds, bounds_of, describe_topic
from streams.lists.redis_lists import redis_lists
from streams.lists.served_lists import ServedLists
from streams.monitoring.worker_status import (
    Found,
    recommender_key,
    recommender_statuses,
    relay_statuses,
    sequencer_statuses,
    service_urls,
    shards_of,
)
from streams.redis_client import REDIS_UNAVAILABLE, redis_of
from streams.redis_refusals import redis_problem
from streams.settings import Settings
from topics.catalogue import LISTENING_EVENTS
from topics.errors import EchoTuneError

_SHARD_KEYS = ("recommender_id", "as_of", "applied", "publishing", "topic_as_of", "redis_error")


async def system_status(
    settings: Settings, addresses: Addresses, *, lists: int | None = None
) -> dict[str, Any]:
    """JSON values with stable names. An unknown value is null, and `problems` gives the reason.

    Counting lists scans all keys. A caller that has just counted them passes `lists`.
    """
    problems: list[str] = []
    redis = redis_of(addresses)
    try:
        settings = await of_stable(settings, redis)
        shards, left_out = await _shards(redis, settings, problems)
        sequencers, unreadable = await sequencer_statuses(redis, settings.prefix)
        left_out += unreadable
        services = await service_urls(redis, settings.prefix)
        relays = await relay_statuses(redis, settings.prefix)
        lists = await redis_lists(settings, redis).count() if lists is None else lists
    except REDIS_UNAVAILABLE as error:
        shards, sequencers, lists, left_out, services, relays = [{}], [], None, [], [], None
        problems.append(f"redis: {redis_problem(error)}")
    finally:
        await redis.aclose()
    problems += map(_unreadable, left_out)
    recommender = shards[settings.shard if len(shards) > 1 else 0]
    return {
        "generation": settings.generation,
        "addresses": shown_addresses(addresses),
        "applied": recommender.get("applied"),
        "lists": lists,
        "lag": await asyncio.to_thread(_lag, addresses, sequencers, shards, problems),
        "freshness_ms": recommender.get("freshness_ms", {}),
        "digest": recommender.get("digest"),
        "digest_offset": recommender.get("digest_offset"),
        "recommender": recommender,
        "shards": [_short(each) for each in shards],
        "sequencers": sequencers,
        "http": services[0] if services else None,
        "relays": relays,
        "left_out": left_out,
        "problems": problems,
    }


async def settings_of_stable(settings: Settings, addresses: Addresses) -> Settings:
    """Like `of_stable`; the given settings if Redis is unavailable."""
    redis = redis_of(addresses)
    try:
        return await of_stable(settings, redis)
    except REDIS_UNAVAILABLE:
        return settings
    finally:
        await redis.aclose()


async def of_stable(settings: Settings, redis: Redis) -> Settings:
    """The settings for the generation that serves listeners, and its M, unless they name them."""
    stable = await ServedLists(settings, redis).stable()
    changes: dict[str, Any] = {"generation": stable}
    if not {"shard", "shards"} & settings.model_fields_set:
        changes["shards"] = await shards_of(redis, stable, settings.prefix) or settings.shards
    return settings.model_copy(update=changes)


async def _shards(redis: Redis, settings: Settings, problems: list[str]) -> Found:
    """The status of each recommender of the generation; empty if it does not run."""
    every = [settings.model_copy(update={"shard": at}) for at in range(settings.shards)]
    ids = [each.recommender_id for each in every]
    found, left_out = await recommender_statuses(redis, ids, settings.prefix)
    for recommender_id, each in zip(ids, found, strict=True):
        if recommender_key(recommender_id, settings.prefix) in left_out:
            continue
        if not each:
            problems.append(f"{recommender_id} does not run")
        elif each.get("waits_for"):
            problems.append(f"{recommender_id} waits for the end of {each['waits_for']}")
    return Found(found, left_out)


def _unreadable(key: str) -> str:
    return f"{key} in Redis is not a status of this version; it is left out"


def _short(recommender: dict[str, Any]) -> dict[str, Any]:
    return {name: recommender.get(name) for name in _SHARD_KEYS}


def _ends(kafka: str) -> dict[int, Bounds]:
    partitions = describe_topic(kafka, LISTENING_EVENTS.name).partitions
    return bounds_of(kafka, LISTENING_EVENTS.name, range(partitions), only_readable=True)


def _lag(
    addresses: Addresses,
    sequencers: list[dict[str, Any]],
    shards: list[dict[str, Any]],
    problems: list[str],
) -> dict[str, int | None]:
    """Events that are not yet in the log, and log records not yet learnt; None if unknown.

    Events of an open transaction do not count: nobody can read them yet.
    """
    try:
        ends = _ends(addresses.kafka)
        with LogReader(addresses.kafka) as reader:
            log_end = reader.bounds().end
    except (EchoTuneError, OSError, RuntimeError) as error:
        problems.append(f"kafka: {error}")
        return {"events": None, "log_records": None}
    sequenced = {
        int(partition): each["acknowledged"]
        for one in sequencers
        for partition, each in one["partitions"].items()
    }
    filled = {at: bounds.end for at, bounds in ends.items() if bounds.end > bounds.start}
    is_known = filled.keys() <= sequenced.keys()
    waiting = [max(0, end - sequenced.get(at, 0)) for at, end in filled.items()]
    events = sum(waiting) if is_known else None
    learnt = None if {} in shards else min(each["as_of"] for each in shards)
    return {"events": events, "log_records": None if learnt is None else log_end - 1 - learnt}
