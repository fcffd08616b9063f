"""What players report waits in a real Redis, each use of it apart, and goes with its person."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from streams.serving.forgetting import InRedis
from streams.serving.playback import PlaybackState, PlayedTrack, Report
from streams.serving.playback_store import PLAYBACK, PlaybackStore, Player
from streams.serving.skip_settler import SKIPS

PREFIX = "test-playback."
NOW_MS = 1_700_000_000_000
REPORT = Report(NOW_MS, PlaybackState.PLAYING, -1, PlayedTrack("t", "Can", "Vitamin C"))
ANN, BOB = Player("ann", "kitchen"), Player("bob", "kitchen")


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    async for key in client.scan_iter(match=f"{PREFIX}*"):
        await client.delete(key)
    yield client
    await client.aclose()


async def test_reports_of_plays_and_of_hidden_skips_are_kept_apart(redis: Redis) -> None:
    plays, skips = (PlaybackStore(redis, PREFIX, what) for what in (PLAYBACK, SKIPS))
    assert await skips.add(ANN, REPORT, NOW_MS)
    assert await plays.due(NOW_MS, 10) == []
    assert (await plays.kept(ANN)).received == {}
    assert await skips.due(NOW_MS, 10) == [ANN]
    assert (await skips.kept(ANN)).received == {REPORT: NOW_MS}


async def test_a_person_who_is_forgotten_has_reported_nothing(redis: Redis) -> None:
    stores = [PlaybackStore(redis, PREFIX, what) for what in (PLAYBACK, SKIPS)]
    for store in stores:
        for player in (ANN, BOB):
            await store.add(player, REPORT, NOW_MS)
    await InRedis(redis, PREFIX).forget(ANN.listener_id, NOW_MS)
    for store in stores:
        assert (await store.kept(ANN)).received == {}
        assert await store.due(NOW_MS, 10) == [BOB]
