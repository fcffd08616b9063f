"""A reader of lists follows the pointer in a real Redis."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from streams.lists.frontier import NOTHING_PUBLISHED
from streams.lists.list_store import Publication
from streams.lists.redis_lists import ACTIVE_KEY, RedisLists
from streams.lists.served_lists import ServedLists
from streams.settings import Settings
from topics.recommendation_list import EVERYONE, RecommendationList

PREFIX = "test-served."
ANN, ME = "ann", "me"
"""For the canary `second`, Ann is in bucket 5160, and I am in 1195."""


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    async for key in client.scan_iter(match=f"{PREFIX}*"):
        await client.delete(key)
    yield client
    await client.aclose()


async def publish(redis: Redis, generation: str, *listeners: str) -> None:
    lists = RedisLists(redis, generation, shard=0, shards=1, ttl_s=60, prefix=PREFIX)
    made = [RecommendationList(each, generation, 0, 7, 0, []) for each in (*listeners, EVERYONE)]
    reached = NOTHING_PUBLISHED._replace(as_of=7)
    found = await lists.publish(Publication(made, (), reached), NOTHING_PUBLISHED)
    assert found.is_accepted


async def point(redis: Redis, stable: str, **more: str | int) -> None:
    await redis.delete(PREFIX + ACTIVE_KEY)
    fields = {"version": 1, "record": "aa", "stable": stable, **more}
    await redis.hset(PREFIX + ACTIVE_KEY, mapping=fields)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def generation_of(served: ServedLists, listener: str) -> str | None:
    found = await served.read(listener)
    return found and found.generation + (" for everyone" if found.is_fallback else "")


def reader(redis: Redis, clock: Clock | None = None, **settings: str) -> ServedLists:
    return ServedLists(Settings(prefix=PREFIX, **settings), redis, clock or Clock())


async def test_a_reader_gets_the_list_of_the_generation_that_serves_the_listener(
    redis: Redis,
) -> None:
    await publish(redis, "first", ANN, ME)
    await publish(redis, "second", ANN, ME)
    await point(redis, "first", canary="second", share=2_000)
    assert await generation_of(reader(redis), ANN) == "first"
    assert await generation_of(reader(redis), ME) == "second"


async def test_a_canary_without_a_list_leaves_its_listener_to_the_stable_generation(
    redis: Redis,
) -> None:
    await publish(redis, "first", ME)
    await publish(redis, "second")
    await point(redis, "first", canary="second", share=2_000)
    assert await generation_of(reader(redis), ME) == "first"


async def test_questions_go_to_whom_the_list_is_from_and_then_to_the_other(redis: Redis) -> None:
    await publish(redis, "first", ANN, ME)
    await publish(redis, "second")
    await point(redis, "first", canary="second", share=2_000)
    assert await reader(redis).generations(ANN) == ["first"]
    assert await reader(redis).generations(ME) == ["first", "second"], "second does not know me"
    assert await reader(redis).generations("nobody-7") == ["second", "first"]
    await publish(redis, "third", ME)
    await point(redis, "first", canary="third", share=10_000)
    assert await reader(redis).generations(ME) == ["third", "first"]


async def test_whoever_has_no_list_gets_the_one_for_everyone(redis: Redis) -> None:
    await publish(redis, "first", ANN)
    await point(redis, "first")
    assert await generation_of(reader(redis), ME) == "first for everyone"


async def test_the_pointer_is_read_again_after_a_second(redis: Redis) -> None:
    clock = Clock()
    served = reader(redis, clock)
    await publish(redis, "first", ANN)
    await publish(redis, "second", ANN)
    await point(redis, "first")
    assert await generation_of(served, ANN) == "first"
    await point(redis, "second")
    assert await generation_of(served, ANN) == "first"
    clock.now = 1.0
    assert await generation_of(served, ANN) == "second"


async def test_a_reader_whose_generation_was_retired_looks_at_the_pointer_at_once(
    redis: Redis,
) -> None:
    served = reader(redis)
    await publish(redis, "second", ANN)
    await point(redis, "first")
    assert await generation_of(served, ANN) is None
    await point(redis, "second")
    assert await generation_of(served, ANN) == "second"


async def test_a_generation_that_settings_name_is_read_whatever_serves(redis: Redis) -> None:
    await publish(redis, "first", ANN)
    await publish(redis, "second", ANN)
    await point(redis, "second")
    assert await generation_of(reader(redis, generation="first"), ANN) == "first"


@pytest.mark.parametrize("foreign", ["text", "old form", None])
async def test_without_a_pointer_the_configured_generation_serves(
    redis: Redis, foreign: str | None
) -> None:
    await publish(redis, "first", ANN)
    if foreign == "text":
        await redis.set(PREFIX + ACTIVE_KEY, "hello")
    elif foreign:
        await redis.hset(PREFIX + ACTIVE_KEY, "first", "1.0")
    assert await generation_of(reader(redis), ANN) == "first"
