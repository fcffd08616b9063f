"""What somebody else writes into Redis under the names that EchoTune uses costs nobody else."""

import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from infra.embedded_servers import Addresses
from streams import redis_lease
from streams.monitoring.replay_rate import rate_key, rate_of
from streams.monitoring.worker_status import relay_statuses, shards_of
from streams.people.people_directory import PeopleDirectory
from streams.redis_client import redis_of
from streams.redis_lease import LEASE_S, RedisLease
from streams.serving.playback import PlaybackState, PlayedTrack, Report
from streams.serving.playback_store import PlaybackStore, Player
from streams.serving.playing_now import playing_key, playing_now
from streams.serving.rate_limits import WINDOW_S, ReadLimits
from streams.serving.services import Services
from tests.unit.streams.serving.test_rate_limits import asking

NOBODY = cast("PeopleDirectory", SimpleNamespace(known_person_of=lambda _: None))
ANN, BOB = Player("ann", "a player"), Player("bob", "a player")
REPORT = Report(1_000, PlaybackState.PLAYING, 0, PlayedTrack("t", "Artist", "Track"))


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the shared Redis."""
    client = redis_of(Addresses("", redis_url, ""))
    yield client
    await client.aclose()


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """Keys of this test alone."""
    return f"{request.node.name}-{time.time_ns()}."


async def put(redis: Redis, key: str, kind: str) -> None:
    """Somebody else's value of this kind."""
    await (redis.rpush(key, "theirs") if kind == "list" else redis.hset(key, "theirs", "theirs"))


@pytest.mark.parametrize("kind", ["list", "hash"])
async def test_a_value_of_another_type_is_no_status_and_no_limit(
    redis: Redis, prefix: str, kind: str
) -> None:
    shards = f"{prefix}echotune:status:shards:echotune-recommender-first"
    for key in (shards, f"{prefix}echotune:status:relays", rate_key("first", prefix)):
        await put(redis, key, kind)
    assert await shards_of(redis, "first", prefix) is None
    assert await relay_statuses(redis, prefix) is None
    assert await rate_of(redis, "first", prefix) is None


@pytest.mark.parametrize("text", ["999999999999", "1025", "0", "-1", "9" * 5_000, "\xb2"])
async def test_a_number_of_shards_that_no_installation_has_is_none(
    redis: Redis, prefix: str, text: str
) -> None:
    await redis.set(f"{prefix}echotune:status:shards:echotune-recommender-first", text)
    assert await shards_of(redis, "first", prefix) is None


async def test_what_stays_in_the_place_of_a_lease_is_none(redis: Redis, prefix: str) -> None:
    for name, ttl_s in (("forever", None), ("a day", 86_400)):
        await redis.set(f"{prefix}echotune:lease:{name}", "theirs", ex=ttl_s)
        first, second = RedisLease(redis, name, prefix), RedisLease(redis, name, prefix)
        assert (await first.holds(), await second.holds()) == (True, False)
    await put(redis, f"{prefix}echotune:lease:hash", "hash")
    assert await RedisLease(redis, "hash", prefix).holds()
    await redis.set(f"{prefix}echotune:lease:taken", "another process", ex=LEASE_S)
    assert not await RedisLease(redis, "taken", prefix).holds()


async def test_a_lease_that_ends_while_it_is_looked_at_is_for_whoever_asks_next(
    redis: Redis, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = f"{prefix}echotune:lease:ending"
    await redis.set(key, "another process", ex=LEASE_S)

    async def ends_meanwhile(_: Redis, __: str) -> bytes | None:
        await redis.delete(key)
        return None

    monkeypatch.setattr(redis_lease, "text_at", ends_meanwhile)
    lease = RedisLease(redis, "ending", prefix)
    assert not await lease.holds()
    assert await lease.holds()


@pytest.mark.parametrize("theirs", [b"\xff", b"[]", b"17", b"{}", None])
async def test_another_value_in_the_place_of_what_plays_now_is_nothing(
    redis: Redis, prefix: str, theirs: bytes | None
) -> None:
    services = SimpleNamespace(redis=redis, settings=SimpleNamespace(prefix=prefix))
    key = playing_key(prefix, "ann")
    await (put(redis, key, "list") if theirs is None else redis.set(key, theirs))
    assert await playing_now(cast("Services", services), "ann") is None


async def test_a_foreign_count_of_one_reader_does_not_add_up_the_reads_of_others(
    redis: Redis, prefix: str
) -> None:
    limits = ReadLimits(redis, 10, prefix, clock=lambda: 1_000.0)
    await put(redis, f"{prefix}echotune:reads:{1_000 // WINDOW_S}:address:192.0.2.1", "list")
    for address in ("192.0.2.1", "192.0.2.2"):
        limits.take(asking(address=address), NOBODY)
    for _ in range(20):
        await limits.add_up()
    found: Any = limits.take(asking(address="192.0.2.2"), NOBODY)
    assert found.remaining == 8


@pytest.mark.parametrize("kind", ["list", "string"])
async def test_reports_are_kept_where_another_value_was_which_is_renamed(
    redis: Redis, prefix: str, kind: str
) -> None:
    store = PlaybackStore(redis, prefix)
    hash_of_ann = f'{prefix}echotune:playback:of:["ann","a player"]'
    for key in (hash_of_ann, f"{prefix}echotune:playback:open"):
        await (redis.set(key, "theirs") if kind == "string" else redis.rpush(key, "theirs"))
    assert await store.due(2_000, 10) == []
    assert await store.add(ANN, REPORT, 1_000)
    assert await store.due(2_000, 10) == [ANN]
    assert (await store.kept(ANN)).received == {REPORT: 1_000}
    assert (
        await redis.exists(f"{hash_of_ann}:foreign", f"{prefix}echotune:playback:open:foreign") == 2
    )


async def test_members_and_fields_that_are_no_players_and_reports_stop_nobody(
    redis: Redis, prefix: str
) -> None:
    store = PlaybackStore(redis, prefix)
    theirs = (b"\xff", b"{}", b'["x"]', b"[1,2]", b"theirs")
    await redis.zadd(f"{prefix}echotune:playback:open", dict.fromkeys(theirs, 0))
    for player in (ANN, BOB):
        assert await store.add(player, REPORT, 1_000)
        hash_of = f'{prefix}echotune:playback:of:["{player.listener_id}","a player"]'
        await redis.hset(hash_of, mapping=dict.fromkeys(theirs, "1") | {"done": "theirs"})
    assert await store.due(2_000, 10) == [ANN, BOB]
    assert (await store.kept(ANN)).received == {REPORT: 1_000}
    await store.forget("bob", 1_000)
    assert (await store.kept(BOB)).received == {}
    assert await redis.zcard(f"{prefix}echotune:playback:open") == 1
