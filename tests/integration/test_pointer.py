"""The pointer in a real Redis only ever follows the journal."""

import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from streams.lifecycle.pointer import PointerWriter
from streams.lists.redis_lists import ACTIVE_KEY
from streams.lists.serving_plan import Plan, pointer_of

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


class AJournal:
    """What a process knows of the journal: its newest plan, and as of when."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.as_of = 0.0

    def read(self) -> None:
        self.as_of = time.monotonic()


async def write(redis: Redis, plan: Plan) -> bool:
    return await PointerWriter(redis, AJournal(plan), PREFIX).write()


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
    await write(redis, ended)
    assert await stored(redis) == ended
    assert await redis.hlen(PREFIX + ACTIVE_KEY) == 3


async def test_another_record_at_the_same_offset_is_taken(redis: Redis) -> None:
    """The journal lost its tail, and grew again."""
    other = NEW._replace(record="dd", stable="fourth")
    await write(redis, NEW)
    assert await write(redis, other)
    assert await stored(redis) == other


async def test_whoever_knows_an_older_plan_waits_until_it_has_read_the_journal(
    redis: Redis,
) -> None:
    """The journal may have grown since this process read it: an older plan replaces nothing."""
    journal = AJournal(OLD)
    writer = PointerWriter(redis, journal, PREFIX)
    await write(redis, NEW)
    assert [await writer.write() for _ in range(3)] == [False] * 3
    assert writer.is_behind
    assert await stored(redis) == NEW


async def test_a_plan_that_a_later_read_of_the_journal_does_not_find_is_replaced(
    redis: Redis,
) -> None:
    """The journal lost its tail."""
    journal = AJournal(OLD)
    writer = PointerWriter(redis, journal, PREFIX)
    await write(redis, NEW)
    assert not await writer.write()
    journal.read()
    assert await writer.write()
    assert not writer.is_behind
    assert await stored(redis) == OLD


async def test_a_plan_that_came_after_that_read_is_left_alone(redis: Redis) -> None:
    journal, newest = AJournal(OLD), NEW._replace(version=9, record="ee")
    writer = PointerWriter(redis, journal, PREFIX)
    await write(redis, NEW)
    assert not await writer.write()
    journal.read()
    await write(redis, newest)
    assert not await writer.write()
    assert await stored(redis) == newest


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
