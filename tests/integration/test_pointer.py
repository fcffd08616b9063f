"""The pointer in a real Redis only ever follows the journal."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from streams.lifecycle.lifecycle import Plan
from streams.lifecycle.pointer import pointer_of, write_pointer
from streams.lists.redis_lists import ACTIVE_KEY

PREFIX = "test-pointer."
OLD, NEW = Plan(2, "aa", "first"), Plan(7, "bb", "second", "third", 500)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    await client.delete(PREFIX + ACTIVE_KEY)
    yield client
    await client.aclose()


async def stored(redis: Redis) -> Plan | None:
    return pointer_of(await redis.hgetall(PREFIX + ACTIVE_KEY))


async def write(redis: Redis, plan: Plan, journal_end: int = 8) -> bool:
    return await write_pointer(redis, plan, journal_end, PREFIX)


async def test_a_newer_plan_is_taken_and_an_older_one_is_not(redis: Redis) -> None:
    assert await write(redis, OLD)
    assert await write(redis, NEW)
    assert not await write(redis, OLD)
    assert await stored(redis) == NEW


async def test_the_plan_that_redis_has_is_not_written_again(redis: Redis) -> None:
    assert [await write(redis, NEW) for _ in range(2)] == [True, False]


async def test_a_canary_that_ended_leaves_nothing_behind(redis: Redis) -> None:
    ended = Plan(9, "cc", "second")
    await write(redis, NEW)
    await write(redis, ended, 10)
    assert await stored(redis) == ended
    assert await redis.hlen(PREFIX + ACTIVE_KEY) == 3


async def test_another_record_at_the_same_offset_is_taken(redis: Redis) -> None:
    """The journal lost its tail, and grew again."""
    other = NEW._replace(record="dd", stable="fourth")
    await write(redis, NEW)
    assert await write(redis, other)
    assert await stored(redis) == other


async def test_a_journal_that_ends_below_what_redis_has_lost_its_tail_and_is_followed(
    redis: Redis,
) -> None:
    await write(redis, NEW)
    assert await write(redis, OLD, journal_end=7)
    assert await stored(redis) == OLD


@pytest.mark.parametrize("foreign", ["text", "old form", "nonsense"])
async def test_what_is_no_pointer_is_replaced(redis: Redis, foreign: str) -> None:
    key = PREFIX + ACTIVE_KEY
    if foreign == "text":
        await redis.set(key, "hello")
    else:
        fields = {"first": "1.0"} if foreign == "old form" else {"version": "x"}
        await redis.hset(key, mapping=fields)
        assert await stored(redis) is None
    assert await write(redis, OLD)
    assert await stored(redis) == OLD
