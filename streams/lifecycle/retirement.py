"""Retires a generation: what it left in Redis and Kafka is deleted, and it can never come back.

Each step may be repeated, and changes nothing then. So a retirement that was interrupted is simply
run again. The generation's name is never used again, hence a frozen worker of it that wakes up
finds itself fenced in both stores.
"""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from redis.asyncio import Redis

from streams.addresses import Addresses, shown
from streams.kafka.client_settings import client_settings
from streams.kafka.cluster import prefixed
from streams.kafka.refusals import refused_right
from streams.lifecycle.journal import Journal
from streams.lifecycle.lifecycle import Lifecycle
from streams.lists.redis_lists import frontier_key, list_key, redis_lists
from streams.ownership.resharding import FormerShards
from streams.publishing.topic_frontier import frontier_group
from streams.recommender_identity import RecommenderIdentity
from streams.redis_client import REDIS_UNAVAILABLE, redis_of
from streams.redis_refusals import redis_error
from streams.settings import Settings
from topics.catalogue import LEARNING_PROGRESS
from topics.errors import ServerError
from topics.lifecycle import GenerationState, ServingChanged

SERVED_BEFORE_S = 60.0
"""How long ago a generation must have served last: no reader's pointer is older then."""
STOPS_WITHIN_S = 120.0
"""How long recommenders may take to notice that their generation is retired."""
SILENT_S = 10.0
"""A recommender that sends no heartbeat for so long has stopped."""
FRONTIER_KEPT_S = 30 * 24 * 3600
"""How long the frontier that fences a retired generation stays in Redis."""
_KEYS_AT_ONCE = 500
_TIMEOUT_S = 30.0

T = TypeVar("T")


class Step(NamedTuple):
    """A step of a retirement that is done, and what it found."""

    step: str
    says: str


def served_last_at(lifecycle: Lifecycle, name: str) -> int | None:
    """When the plan changed so that it no longer had the generation, in ms; None if it never had.

    The time is the present one (`time.time`) if the plan has the generation now.
    """
    last: int | None = None
    was_in_plan = False
    for entry in lifecycle.history:
        if entry.void or not isinstance(entry.record, ServingChanged):
            continue
        is_in_plan = name in (entry.record.stable, entry.record.canary)
        if was_in_plan and not is_in_plan:
            last = entry.at_ms
        was_in_plan = is_in_plan
    return time.time_ns() // 1_000_000 if was_in_plan else last


async def retire(
    settings: Settings, addresses: Addresses, journal: Journal, name: str
) -> AsyncIterator[Step]:
    """Deletes what the generation left, which is `RETIRING`; yields each step as it is done."""
    kafka = addresses.kafka
    admin = AdminClient(client_settings(kafka))
    served_at = served_last_at(journal.lifecycle, name)
    if served_at is not None:
        left_s = SERVED_BEFORE_S - (time.time() - served_at / 1_000)
        await asyncio.sleep(min(SERVED_BEFORE_S, max(0.0, left_s)))  # clocks may differ
    yield Step("served", "no reader is sent to it")
    shards = FormerShards(kafka, settings.recommender_id)
    ids = await asyncio.to_thread(_in_words, lambda: shards.of_generation(name))
    ends_at = time.monotonic() + STOPS_WITHIN_S
    while alive := await _heard_again(shards, ids):
        if time.monotonic() > ends_at:
            raise ServerError(
                f"{', '.join(alive)} still runs.", "Stop it, and retire the generation again."
            )
        yield Step("stopped", f"still running: {', '.join(alive)}")
    yield Step("stopped", "no recommender of it is heard")
    await asyncio.to_thread(_in_words, lambda: shards.fence(ids))
    yield Step("fenced", f"{len(ids)} writers of the topic")
    redis = redis_of(addresses)
    try:
        yield await _silence(settings, redis, name)
        yield await _delete_lists(settings, redis, name)
    except REDIS_UNAVAILABLE as error:
        raise redis_error(shown(addresses.redis), error) from error
    finally:
        await redis.aclose()
    await asyncio.to_thread(_forget_in_kafka, admin, kafka, ids)
    yield Step("forgotten", f"heartbeats and consumer groups of {len(ids)} recommenders")
    deleted = delete_snapshots(settings.home, name, settings.prefix)
    yield Step("snapshots", f"{deleted} folders in {settings.home} were deleted")


async def _heard_again(shards: FormerShards, ids: Sequence[str]) -> list[str]:
    """The identities in `ids` that send a heartbeat within `SILENT_S`; Ctrl-C ends the wait."""
    before = await asyncio.to_thread(_in_words, lambda: shards.heard_at(ids))
    await asyncio.sleep(SILENT_S if ids else 0.0)
    after = await asyncio.to_thread(_in_words, lambda: shards.heard_at(ids))
    return [each for each in ids if after[each] != before[each]]


def is_retired(lifecycle: Lifecycle, name: str) -> bool:
    """Whether a generation is retired, or about to be."""
    known = lifecycle.generations.get(name)
    retired = (GenerationState.RETIRING, GenerationState.RETIRED)
    return known is not None and known.state in retired


def delete_snapshots(home: Path, name: str, prefix: str = "") -> int:
    """Deletes the snapshots of a generation in `home`; returns the number of their folders."""
    family = RecommenderIdentity.of_generation(name, 0, 1, prefix=prefix).family
    deleted = 0
    for folder in (home / "snapshots").glob(f"{family}-*of*"):
        identity = RecommenderIdentity.parsed(folder.name)
        if identity is not None and identity.family == family:
            with suppress(FileNotFoundError):
                shutil.rmtree(folder)
                deleted += 1
    return deleted


async def _silence(settings: Settings, redis: Redis, name: str) -> Step:
    """Fences every shard in Redis, and lets its frontier expire, but only after a month."""
    own = redis_lists(settings.model_copy(update={"generation": name}), redis)
    begin = frontier_key(name, "", settings.prefix)
    shards = [
        key.decode().removeprefix(begin)
        async for key in redis.scan_iter(match=f"{_escaped(begin)}*", count=_KEYS_AT_ONCE)
    ]
    for shard in shards:
        await own.fence(shard, 0)
        await redis.expire(frontier_key(name, shard, settings.prefix), FRONTIER_KEPT_S)
    return Step("silenced", f"{len(shards)} writers of Redis")


async def _delete_lists(settings: Settings, redis: Redis, name: str) -> Step:
    pattern = f"{_escaped(list_key(name, '', settings.prefix))}*"
    deleted, page = 0, list[bytes]()
    async for key in redis.scan_iter(match=pattern, count=_KEYS_AT_ONCE):
        page.append(key)
        if len(page) == _KEYS_AT_ONCE:
            deleted += await redis.unlink(*page)
            page = []
    deleted += await redis.unlink(*page) if page else 0
    return Step("deleted", f"{deleted:,} lists in Redis")


def _escaped(text: str) -> str:
    """The text as a pattern of SCAN that matches nothing else."""
    return "".join(f"\\{each}" if each in "*?[]\\" else each for each in text)


def _forget_in_kafka(admin: AdminClient, kafka: str, ids: Sequence[str]) -> None:
    """Writes tombstones of its heartbeats, and deletes its consumer groups."""
    failed: list[str] = []
    producer = Producer(client_settings(kafka) | {"enable.idempotence": True, "acks": "all"})
    for each in ids:
        producer.produce(
            prefixed(kafka, LEARNING_PROGRESS.name),
            None,
            key=each,
            partition=0,
            on_delivery=lambda error, _: failed.append(str(error)) if error else None,
        )
    if producer.flush(_TIMEOUT_S) or failed:
        why = failed[0] if failed else "no answer"
        raise ServerError(
            f"Heartbeats of a retired generation could not be deleted: {why}.",
            "Is Kafka up, and may this user write to learning-progress? Try again.",
        )
    groups = [group for each in ids for group in (each, frontier_group(each))]
    futures: dict[str, Any] = admin.delete_consumer_groups(groups) if groups else {}
    for group, future in futures.items():
        try:
            future.result(_TIMEOUT_S)
        except (KafkaException, TimeoutError) as error:
            known = error.args[0] if isinstance(error, KafkaException) else None
            if known is None or known.code() != KafkaError.GROUP_ID_NOT_FOUND:
                raise ServerError(
                    f"The consumer group {group} cannot be deleted: {known or 'no answer'}.",
                    "Stop what still reads with it, grant DELETE on the group, and try again.",
                ) from error


def _in_words(call: Callable[[], T]) -> T:
    """The result of a call to Kafka; its failure as an error with a remedy."""
    try:
        return call()
    except KafkaException as error:
        raise refused_right("", error) or ServerError(
            f"Kafka did not do what a retirement needs: {error}.", "Is Kafka up? Try again."
        ) from error
