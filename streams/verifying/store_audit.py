"""Reads one shard's lists and publish frontiers from both stores, and compares them."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeVar

from streams.addresses import Addresses, shown
from streams.folding.fold import Fold
from streams.kafka.retries import until_elected
from streams.lifecycle.journal import read_lifecycle
from streams.lifecycle.lifecycle import Role
from streams.lists.frontier import Frontier
from streams.lists.list_maker import ListMaker
from streams.lists.redis_lists import redis_lists
from streams.publishing.topic_frontier import topic_frontier
from streams.redis_client import REDIS_UNAVAILABLE, redis_of
from streams.redis_refusals import redis_error
from streams.registry.contracts import registry_of
from streams.registry.writer_schemas import ArchivedSchemas
from streams.settings import Settings
from streams.verifying.list_audit import Lists, disagreements, leavings, outdated
from streams.verifying.promises import Findings, Promise
from streams.verifying.published_lists import lists_in_redis, lists_in_topic
from topics.recommendation_list import EVERYONE

T = TypeVar("T")


class Stores(NamedTuple):
    """The lists of one shard in both stores; both are complete up to and including `settled`."""

    redis: Lists
    topic: Lists
    settled: Frontier
    others: Mapping[str, str]
    """Listeners of the shard for whom the topic has a list of another generation, by name."""


def read_stores(settings: Settings, addresses: Addresses, maker: ListMaker) -> Stores:
    """Reads the publish frontiers of both stores, and then their lists."""
    return asyncio.run(_read(settings, addresses, maker))


async def _read(settings: Settings, addresses: Addresses, maker: ListMaker) -> Stores:
    redis = redis_of(addresses)
    try:
        reached = await redis_lists(settings, redis).frontier()
        topic = await asyncio.to_thread(
            until_elected, lambda: topic_frontier(addresses.kafka, settings.recommender_id)
        )
        schemas = ArchivedSchemas(registry_of(settings)).lookup
        in_topic, others = await asyncio.to_thread(
            lists_in_topic, addresses.kafka, settings.generation, schemas
        )
        in_redis = await lists_in_redis(redis, settings.generation, settings.prefix)
        lifecycle = await asyncio.to_thread(read_lifecycle, addresses.kafka)
        if not lifecycle.is_empty and lifecycle.role_of(settings.generation) is not Role.STABLE:
            topic, in_topic = reached, in_redis  # only the stable generation has lists in the topic
            others = {}
    except REDIS_UNAVAILABLE as error:
        raise redis_error(shown(addresses.redis), error) from error
    finally:
        await redis.aclose()
    complete = [each._replace(as_of=each.complete_up_to) for each in (reached, topic)]
    begun = [each for each in complete if each.as_of >= 0]  # a store without a frontier has nothing
    settled = min(begun or complete, key=lambda each: each.position)
    return Stores(_own(in_redis, maker), _own(in_topic, maker), settled, _own(others, maker))


def _own(lists: Mapping[str, T], maker: ListMaker) -> dict[str, T]:
    return {each: found for each, found in lists.items() if _is_own(each, maker)}


def _is_own(listener_id: str, maker: ListMaker) -> bool:
    return maker.makes_fallback if listener_id == EVERYONE else maker.owns(listener_id)


def compare_stores(
    stores: Stores, fold: Fold, maker: ListMaker, ttl_s: int, findings: Findings
) -> None:
    """Compares Redis, the topic and `fold`, which must be at least as far as the stores."""
    redis, topic, settled, others = stores
    found = disagreements(redis, topic, settled.position)
    findings.note(Promise.AGREED, found, checked=len(redis.keys() & topic.keys()))
    position = settled.as_of if settled.log_epoch == fold.log_epoch else -1
    changed = last_changed(fold, maker)
    expired = set(_expired(topic, ttl_s))
    lasting = {each: at for each, at in changed.items() if each not in expired}
    for name, lists, wanted in (("redis", redis, lasting), ("the topic", topic, changed)):
        found = outdated(lists, wanted, position, name)
        later = sum(at > position for at in wanted.values())
        findings.note(Promise.COMPLETE, found, checked=len(wanted) - later, uncompared=later)
    findings.note(Promise.COMPLETE, leavings(others, changed), checked=0)


def last_changed(fold: Fold, maker: ListMaker) -> dict[str, int]:
    """Listener → log offset of their last change, of those whose lists `maker` makes."""
    codes = maker.of_this_shard(fold.changes.after(-1))
    ids = map(str, fold.listeners.values(codes.tolist()))
    return dict(zip(ids, fold.changes.last_changed(codes).tolist(), strict=True))


def _expired(topic: Lists, ttl_s: int) -> Iterator[str]:
    """Listeners whose list has expired in Redis (TTL), by the time of their list in the topic."""
    oldest_ms = (time.time() - ttl_s) * 1_000
    return (each for each, found in topic.items() if found.at_ms < oldest_ms)
