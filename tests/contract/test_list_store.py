"""What every table of lists promises: the one in Redis and its twin in memory alike."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from streams.frontier import NOTHING_PUBLISHED, Frontier
from streams.stores.lists import EVERYONE, ListStore, Publication, StoredList
from streams.stores.memory_lists import MemoryLists
from streams.stores.redis_lists import ACTIVE_KEY, LISTS_A_CALL_MAX, RedisLists, list_key
from topics.recommendation_list import RecommendationList, RecommendedTrack

TTL_S = 3_600
TRACKS = (RecommendedTrack("t1", 0.75, "own"), RecommendedTrack("tráck 2", 1e-17, "popular"))


def a_list(listener_id: str = "ann", **changes: Any) -> RecommendationList:
    fields: dict[str, Any] = {
        "generation": "first",
        "log_epoch": 0,
        "as_of": 10,
        "event_time": 5,
        "items": TRACKS,
    }
    return RecommendationList(listener_id=listener_id, **fields | changes)


def only(*track_ids: str) -> list[RecommendedTrack]:
    return [RecommendedTrack(each, 0.5, "own") for each in track_ids]


async def published(store: ListStore, *lists: RecommendationList) -> None:
    await store.publish(Publication(lists))


async def found(store: ListStore, listener_id: str = "ann") -> StoredList:
    stored = await store.read(listener_id)
    assert stored is not None
    return stored


class ListStoreContract:
    """Every test here runs against each backend."""

    async def test_a_list_reads_back_as_it_was_published(self, store: ListStore) -> None:
        await published(store, a_list())
        stored = await found(store)
        assert stored.items == list(TRACKS)
        assert (stored.log_epoch, stored.as_of, stored.event_time) == (0, 10, 5)

    @pytest.mark.parametrize(("epoch", "as_of"), [(1, 9), (0, 99), (0, 10)])
    async def test_an_older_list_is_refused(self, store: ListStore, epoch: int, as_of: int) -> None:
        newest = a_list(log_epoch=1, as_of=10)
        await published(store, newest, a_list(log_epoch=epoch, as_of=as_of, items=only("old")))
        stored = await found(store)
        assert stored.items == list(TRACKS)
        assert (stored.log_epoch, stored.as_of) == (1, 10)

    @pytest.mark.parametrize(("epoch", "as_of"), [(1, 11), (2, 0)])
    async def test_a_newer_list_is_taken(self, store: ListStore, epoch: int, as_of: int) -> None:
        await published(store, a_list(log_epoch=1, as_of=10))
        await published(store, a_list(log_epoch=epoch, as_of=as_of, items=only("new")))
        assert (await found(store)).items == only("new")

    async def test_offsets_compare_as_numbers(self, store: ListStore) -> None:
        await published(store, a_list(as_of=9))
        await published(store, a_list(as_of=10, items=only("new")))
        assert (await found(store)).as_of == 10

    async def test_an_equal_list_is_written_again_and_reads_the_same(
        self, store: ListStore
    ) -> None:
        await published(store, a_list())
        once = await found(store)
        await published(store, a_list())
        again = await found(store)
        assert again._replace(published_at=once.published_at) == once

    async def test_each_list_of_a_publication_is_judged_by_itself(self, store: ListStore) -> None:
        await published(store, a_list("ann", as_of=20), a_list("bob", as_of=5))
        await published(
            store, *(a_list(each, as_of=10, items=only("x")) for each in ("ann", "bob"))
        )
        assert (await found(store, "ann")).as_of == 20
        assert (await found(store, "bob")).as_of == 10

    async def test_a_list_without_tracks_is_a_list(self, store: ListStore) -> None:
        await published(store, a_list(EVERYONE), a_list(items=[]))
        assert (await found(store)).items == []

    async def test_an_erased_listeners_list_is_gone(self, store: ListStore) -> None:
        await published(store, a_list("ann"), a_list("bob"))
        await store.publish(Publication([], ("ann", "nobody"), Frontier(0, 11)))
        assert await store.read("ann") is None
        assert await store.count() == 1

    async def test_an_erasure_of_long_ago_does_not_take_a_newer_list(
        self, store: ListStore
    ) -> None:
        await published(store, a_list(as_of=20))
        await store.publish(Publication([], ("ann",), Frontier(0, 15)))
        assert (await found(store)).as_of == 20

    @pytest.mark.parametrize(("epoch", "as_of"), [(1, 9), (0, 99)])
    async def test_a_zombies_list_of_who_was_erased_meanwhile_is_refused(
        self, store: ListStore, epoch: int, as_of: int
    ) -> None:
        await published(store, a_list(log_epoch=1, as_of=5))
        await store.publish(Publication([], ("ann",), Frontier(1, 10)))
        await published(store, a_list(log_epoch=epoch, as_of=as_of))
        assert await store.read("ann") is None

    async def test_of_two_frontiers_at_one_place_the_later_one_stays(
        self, store: ListStore
    ) -> None:
        later = Frontier(0, 10, serial=7)
        await store.publish(Publication([], (), later))
        assert await store.publish(Publication([], (), Frontier(0, 10, serial=6))) == later
        assert await store.frontier() == later

    async def test_a_store_that_fell_back_at_one_place_keeps_its_frontier(
        self, store: ListStore
    ) -> None:
        fell_back = Frontier(0, 10, serial=6)
        await store.publish(Publication([], (), fell_back))
        known = Frontier(0, 10, serial=7)
        await store.publish(Publication([], (), Frontier(0, 11, serial=8), since=known))
        assert await store.frontier() == fell_back

    async def test_who_has_no_list_gets_everyones(self, store: ListStore) -> None:
        assert await store.read("nobody") is None
        await published(store, a_list(EVERYONE, items=only("popular")), a_list("ann"))
        assert (await found(store, "nobody")).items == only("popular")
        assert (await found(store, "ann")).items == list(TRACKS)

    async def test_only_listeners_are_counted(self, store: ListStore) -> None:
        assert await store.count() == 0
        await published(store, a_list(EVERYONE), a_list("ann"), a_list("bob"), a_list("ann"))
        assert await store.count() == 2

    async def test_the_frontier_comes_back_as_it_was_before(self, store: ListStore) -> None:
        first, second = Frontier(0, 10, "aa"), Frontier(0, 11, "bb")
        assert await store.frontier() == NOTHING_PUBLISHED
        assert await store.publish(Publication([a_list()], (), first)) == NOTHING_PUBLISHED
        assert await store.publish(Publication([], (), second)) == first
        assert await store.frontier() == second

    @pytest.mark.parametrize("older", [Frontier(1, 9), Frontier(0, 99)])
    async def test_the_frontier_never_goes_back(self, store: ListStore, older: Frontier) -> None:
        newest = Frontier(1, 10, "aa")
        await store.publish(Publication([], (), newest))
        assert await store.publish(Publication([], (), older)) == newest
        assert await store.frontier() == newest

    async def test_a_table_that_forgot_takes_the_lists_but_not_the_frontier(
        self, store: ListStore
    ) -> None:
        known = Frontier(0, 10, "aa")
        news = Publication([a_list(as_of=11)], (), Frontier(0, 11, "bb"), since=known)
        assert await store.publish(news) == NOTHING_PUBLISHED
        assert await store.frontier() == NOTHING_PUBLISHED
        assert (await found(store)).as_of == 11
        await store.publish(Publication([], (), known))
        assert await store.publish(news) == known
        assert await store.frontier() == Frontier(0, 11, "bb")

    async def test_lists_of_which_more_follow_leave_the_frontier(self, store: ListStore) -> None:
        await store.publish(Publication([a_list()], (), Frontier(0, 10)))
        await published(store, a_list("bob", as_of=12))
        assert await store.frontier() == Frontier(0, 10)

    async def test_a_publication_of_any_size_arrives_whole(self, store: ListStore) -> None:
        many = [a_list(f"listener-{at}") for at in range(2 * LISTS_A_CALL_MAX + 1)]
        await store.publish(Publication(many, (), Frontier(0, 10)))
        assert await store.count() == len(many)
        assert await store.frontier() == Frontier(0, 10)

    @pytest.mark.parametrize(
        "listener_id", ["björk-fan 🎧", "a:b:*", "[x]?", "*everyone", "x" * 512]
    )
    async def test_any_id_has_a_list_of_its_own(self, store: ListStore, listener_id: str) -> None:
        await published(store, a_list(EVERYONE, items=only("popular")), a_list(listener_id))
        assert (await found(store, listener_id)).items == list(TRACKS)
        assert await store.count() == 1


class TestMemoryLists(ListStoreContract):
    """The twin in memory."""

    @pytest.fixture
    def store(self) -> ListStore:
        """An empty table."""
        return MemoryLists()


@pytest.fixture
async def redis(redis_url: str) -> "AsyncIterator[Redis]":
    """A client of a real server."""
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


class TestRedisLists(ListStoreContract):
    """The tables in Redis."""

    @pytest.fixture
    def generation(self) -> str:
        """A generation of one's own on the shared server."""
        return f"g{uuid.uuid4().hex}"

    @pytest.fixture
    def store(self, redis: "Redis", generation: str) -> RedisLists:
        """An empty table."""
        return RedisLists(redis, generation, shard=0, shards=1, ttl_s=TTL_S)

    async def test_a_list_is_read_with_plain_commands(
        self, store: RedisLists, redis: "Redis", generation: str
    ) -> None:
        await published(store, a_list())
        fields = await redis.hgetall(list_key(generation, "ann"))
        items = '[["t1",0.75,"own"],["tráck 2",1e-17,"popular"]]'
        assert fields[b"items"] == items.encode()
        assert [fields[name] for name in (b"as_of", b"log_epoch", b"event_time")] == [
            b"10",
            b"0",
            b"5",
        ]
        assert int(fields[b"published_at"]) > 0

    async def test_a_list_expires_and_each_write_prolongs_it(
        self, store: RedisLists, redis: "Redis", generation: str
    ) -> None:
        key = list_key(generation, "ann")
        await published(store, a_list())
        await redis.expire(key, 10)
        await published(store, a_list())
        assert 10 < await redis.ttl(key) <= TTL_S

    async def test_generations_and_shards_do_not_meet(
        self, store: RedisLists, redis: "Redis", generation: str
    ) -> None:
        await store.publish(Publication([a_list()], (), Frontier(0, 10)))
        other = RedisLists(redis, f"{generation}x", shard=0, shards=1, ttl_s=TTL_S)
        shard = RedisLists(redis, generation, shard=0, shards=2, ttl_s=TTL_S)
        assert await other.count() == 0
        assert await other.frontier() == await shard.frontier() == NOTHING_PUBLISHED

    async def test_the_first_generation_serves_everybody_until_another_is_promoted(
        self, store: RedisLists, redis: "Redis", generation: str
    ) -> None:
        await redis.delete(ACTIVE_KEY)
        await store.publish(Publication([], (), Frontier(0, 10)))
        second = RedisLists(redis, f"{generation}x", shard=0, shards=1, ttl_s=TTL_S)
        await second.publish(Publication([], (), Frontier(0, 10)))
        assert await redis.hgetall(ACTIVE_KEY) == {generation.encode(): b"1.0"}
