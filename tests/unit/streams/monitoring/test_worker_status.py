"""What workers say of themselves is found under names that stay, until shortly after their end."""

from collections.abc import AsyncIterator, Sequence
from fnmatch import fnmatch
from typing import Any

import pytest
from redis.exceptions import ConnectionError

from streams.monitoring.worker_status import (
    STATUS_TTL_S,
    recommender_statuses,
    sequencer_statuses,
    service_urls,
    shards_of,
    write_recommender_status,
    write_sequencer_status,
    write_service_status,
)
from tests.support.redis_pipeline import Pipeline


class ARedis:
    """Keeps values, and for how long each was meant to stay; `passed_ms` is its clock."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.ttl_s: dict[str, int] = {}
        self.passed_ms = 0
        self.is_away = False

    async def set(self, key: str, value: bytes, *, ex: int) -> None:
        if self.is_away:
            raise ConnectionError("away")
        self.values[key], self.ttl_s[key] = value, ex

    async def mget(self, keys: Sequence[str]) -> list[bytes | None]:
        return [self.values.get(key) for key in keys]

    async def pttl(self, key: str) -> int:
        if key not in self.values:
            return -2
        return 1_000 * self.ttl_s[key] - self.passed_ms if key in self.ttl_s else -1

    def pipeline(self, *, transaction: bool) -> Pipeline:
        assert not transaction
        return Pipeline(self)

    async def scan_iter(self, *, match: str, count: int) -> AsyncIterator[str]:
        for key in [key for key in self.values if fnmatch(key, match)]:
            yield key


async def test_the_number_of_shards_is_that_of_the_recommenders_that_run() -> None:
    redis: Any = ARedis()
    assert await shards_of(redis, "first", "team.") is None
    name = "team.echotune-recommender-first-1of3"
    await write_recommender_status(redis, name, {"as_of": 3}, "team.")
    assert await shards_of(redis, "first", "team.") == 3
    assert await shards_of(redis, "firs", "team.") is None
    redis.values["team.echotune:status:shards:echotune-recommender-first"] = b"nonsense"
    assert await shards_of(redis, "first", "team.") is None


async def test_statuses_are_stored_under_the_names_of_every_version() -> None:
    redis: Any = ARedis()
    await write_recommender_status(redis, "echotune-recommender-first-0of1", {"as_of": 3})
    await write_sequencer_status(redis, "host-1", {"epoch": 2})
    assert redis.values == {
        "echotune:status:recommender:echotune-recommender-first-0of1": b'{"as_of":3}',
        "echotune:status:shards:echotune-recommender-first": b"1",
        "echotune:status:sequencer:host-1": b'{"epoch":2}',
    }
    assert {*redis.ttl_s.values()} == {STATUS_TTL_S}


async def test_a_recommender_that_does_not_run_has_an_empty_status() -> None:
    redis: Any = ARedis()
    await write_recommender_status(redis, "one", {"as_of": 3})
    found = await recommender_statuses(redis, ["none", "one"])
    assert found == ([{}, {"as_of": 3, "heard_ms": 0}], [])


async def test_the_age_of_a_status_is_that_of_the_clock_of_redis() -> None:
    redis: Any = ARedis()
    await write_recommender_status(redis, "one", {"as_of": 3})
    redis.passed_ms = 4_200
    (found,) = (await recommender_statuses(redis, ["one"])).statuses
    assert found["heard_ms"] == 4_200


async def test_every_sequencer_that_runs_is_found_in_the_order_of_names() -> None:
    redis: Any = ARedis()
    assert await sequencer_statuses(redis) == ([], [])
    for name in ("b", "a"):
        await write_sequencer_status(redis, name, {"sequencer_id": name, "partitions": {}})
    await write_recommender_status(redis, "one", {})
    statuses, left_out = await sequencer_statuses(redis)
    assert [each["sequencer_id"] for each in statuses] == ["a", "b"]
    assert left_out == []


@pytest.mark.parametrize(
    "value",
    [
        b"x",
        b"[]",
        b"7",
        b'{"partitions": {"p": {"acknowledged": 1}}}',
        b'{"partitions": {"0": 7}}',
        b'{"partitions": {"0": {}}}',
        b'{"partitions": {"0": {"acknowledged": "1"}}}',
        b'{"sequencer_id": "of an older version"}',
        b"\xff\xfe",
    ],
)
async def test_what_is_no_status_of_a_sequencer_is_left_out_and_named(value: bytes) -> None:
    redis: Any = ARedis()
    await write_sequencer_status(redis, "good", {"sequencer_id": "good", "partitions": {}})
    await write_sequencer_status(redis, "bad", {})
    redis.values["echotune:status:sequencer:bad"] = value
    statuses, left_out = await sequencer_statuses(redis)
    assert [each["sequencer_id"] for each in statuses] == ["good"]
    assert left_out == ["echotune:status:sequencer:bad"]


@pytest.mark.parametrize(
    "value",
    [
        b"x",
        b"[1]",
        b"{}x",
        b'{"as_of": "3"}',
        b'{"applied": 3}',
        b'{"as_of": 3, "drift": {"raised": "no"}}',
        b'{"as_of": 3, "counts": {"applied": null}}',
        b'{"as_of": 3, "quality": 5}',
    ],
)
async def test_what_is_no_status_of_a_recommender_is_left_out_and_named(value: bytes) -> None:
    redis: Any = ARedis()
    key = "echotune:status:recommender:one"
    redis.values[key], redis.ttl_s[key] = value, STATUS_TTL_S
    found = await recommender_statuses(redis, ["one"])
    assert found == ([{}], ["echotune:status:recommender:one"])


async def test_a_worker_goes_on_while_redis_is_away() -> None:
    redis: Any = ARedis()
    redis.is_away = True
    await write_sequencer_status(redis, "host-1", {})
    assert redis.values == {}


async def test_a_status_without_an_end_is_of_nobody_who_was_heard() -> None:
    redis: Any = ARedis()
    await write_recommender_status(redis, "one", {"as_of": 3})
    redis.ttl_s.clear()  # somebody else's value, or one that was restored
    [found] = (await recommender_statuses(redis, ["one"])).statuses
    assert found["heard_ms"] == STATUS_TTL_S * 1_000


async def test_a_sequencer_and_a_service_without_an_end_do_not_run() -> None:
    redis: Any = ARedis()
    await write_sequencer_status(redis, "one", {"sequencer_id": "one", "partitions": {}})
    await write_service_status(redis, "two", {"url": "http://two"})
    assert await service_urls(redis) == ["http://two"]
    redis.ttl_s.clear()
    assert await sequencer_statuses(redis) == ([], ["echotune:status:sequencer:one"])
    assert await service_urls(redis) == []
