"""What every table of lists promises: the one in Redis and its twin in memory alike."""

import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from redis.asyncio import Redis

from streams.lists.frontier import NOTHING_PUBLISHED, UNKNOWN_SERIAL, Frontier
from streams.lists.list_store import ListStore, Publication, PublishOutcome, StoredList
from streams.lists.memory_lists import MemoryLists
from streams.lists.redis_lists import (
    ACTIVE_KEY,
    LISTS_A_CALL_MAX,
    RedisLists,
    frontier_key,
    list_key,
)
from streams.publishing.gate import Gate, gate_between
from topics.recommendation_list import EVERYONE, RecommendationList, RecommendedTrack

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


async def published(
    store: ListStore,
    *lists: RecommendationList,
    erased: Sequence[str] = (),
    frontier: Frontier | None = None,
) -> PublishOutcome:
    """Publishes as whoever knows the frontier does; without one of its own, it stays."""
    known = await store.frontier()
    return await store.publish(Publication(lists, erased, frontier or known), known)


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
        await published(store, erased=("ann", "nobody"), frontier=Frontier(0, 11))
        assert await store.read("ann") is None
        assert await store.count() == 1

    async def test_an_erasure_of_long_ago_does_not_take_a_newer_list(
        self, store: ListStore
    ) -> None:
        await published(store, a_list(as_of=20))
        await published(store, erased=("ann",), frontier=Frontier(0, 15))
        assert (await found(store)).as_of == 20

    @pytest.mark.parametrize(("epoch", "as_of"), [(1, 9), (0, 99)])
    async def test_a_zombies_list_of_who_was_erased_meanwhile_is_refused(
        self, store: ListStore, epoch: int, as_of: int
    ) -> None:
        await published(store, a_list(log_epoch=1, as_of=5))
        await published(store, erased=("ann",), frontier=Frontier(1, 10))
        await published(store, a_list(log_epoch=epoch, as_of=as_of))
        assert await store.read("ann") is None

    async def test_who_has_no_list_gets_everyones(self, store: ListStore) -> None:
        assert await store.read("nobody") is None
        await published(store, a_list(EVERYONE, items=only("popular")), a_list("ann"))
        assert (await found(store, "nobody")).items == only("popular")
        assert (await found(store, "ann")).items == list(TRACKS)

    async def test_only_listeners_are_counted(self, store: ListStore) -> None:
        assert await store.count() == 0
        await published(store, a_list(EVERYONE), a_list("ann"), a_list("bob"), a_list("ann"))
        assert await store.count() == 2

    async def test_the_frontier_is_that_of_the_last_publication(self, store: ListStore) -> None:
        first, second = Frontier(0, 10, "aa", 1), Frontier(0, 11, "bb", 2, 9, 3, 1)
        assert await store.frontier() == NOTHING_PUBLISHED
        assert await published(store, a_list(), frontier=first) == (True, first)
        assert await published(store, frontier=second) == (True, second)
        assert await store.frontier() == second

    @pytest.mark.parametrize(
        "stands_at",
        [
            Frontier(0, 10, "aa", serial=6, owner=2),
            Frontier(0, 10, "aa", serial=7, owner=3),
            Frontier(0, 10, "aa", serial=7, owner=2, part=1),
            Frontier(1, 10, "aa", serial=7, owner=2),
            Frontier(0, 11, "aa", serial=7, owner=2),
            NOTHING_PUBLISHED,
        ],
        ids=["fell back", "another owner", "in part", "another epoch", "further", "emptied"],
    )
    async def test_who_does_not_know_the_frontier_publishes_nothing(
        self, store: ListStore, stands_at: Frontier
    ) -> None:
        await published(store, a_list("bob"), frontier=stands_at)
        known = Frontier(0, 10, "aa", serial=7, owner=2)
        news = Frontier(0, 12, "bb", serial=8, owner=2)
        outcome = await store.publish(Publication([a_list(as_of=12)], ("bob",), news), known)
        assert outcome == (False, stands_at)
        assert await store.frontier() == stands_at
        assert await store.read("ann") is None
        assert await store.read("bob") is not None

    async def test_lists_of_which_more_follow_leave_the_store_where_it_was(
        self, store: ListStore
    ) -> None:
        before, after = Frontier(0, 10, "aa", serial=6), Frontier(0, 12, "bb", serial=7)
        await published(store, frontier=before)
        first = Publication([a_list(as_of=12)], (), after, more_follow=True)
        is_accepted, found = await store.publish(first, before)
        assert is_accepted
        assert (found.as_of, found.record_hash, found.serial) == (12, "bb", 6)
        assert found.complete_up_to == 10
        assert await store.frontier() == found
        last = Publication([a_list("bob", as_of=12)], (), after)
        assert await store.publish(last, found) == (True, after)
        assert await store.count() == 2

    async def test_a_publication_of_any_size_arrives_whole(self, store: ListStore) -> None:
        many = [a_list(f"listener-{at}") for at in range(2 * LISTS_A_CALL_MAX + 1)]
        assert await published(store, *many, frontier=Frontier(0, 10)) == (True, Frontier(0, 10))
        assert await store.count() == len(many)
        assert await store.frontier() == Frontier(0, 10)

    @pytest.mark.parametrize(
        "listener_id", ["björk-fan 🎧", "a:b:*", "[x]?", "*everyone", "x" * 512]
    )
    async def test_any_id_has_a_list_of_its_own(self, store: ListStore, listener_id: str) -> None:
        await published(store, a_list(EVERYONE, items=only("popular")), a_list(listener_id))
        assert (await found(store, listener_id)).items == list(TRACKS)
        assert await store.count() == 1

    @pytest.mark.parametrize(
        "change", [{"agreed": 7}, {"made_by": "another"}, {"missing_after": 3}]
    )
    async def test_what_a_frontier_says_beside_its_place_is_not_compared(
        self, store: ListStore, change: dict[str, Any]
    ) -> None:
        known = Frontier(0, 9, serial=4, owner=2)
        await published(store, frontier=known)
        news = Publication([a_list()], (), Frontier(0, 10, serial=5, owner=2))
        assert (await store.publish(news, known._replace(**change))).is_accepted

    @pytest.mark.parametrize("field", ["log_epoch", "as_of", "serial", "owner", "part"])
    async def test_who_does_not_know_the_place_of_the_frontier_publishes_nothing(
        self, store: ListStore, field: str
    ) -> None:
        known = Frontier(0, 9, serial=4, owner=2)
        await published(store, frontier=known)
        since = known._replace(**{field: getattr(known, field) + 1})
        news = Publication([a_list()], (), Frontier(2, 10, serial=9, owner=9))
        assert await store.publish(news, since) == (False, known)

    async def test_who_is_silenced_publishes_nothing_more(
        self, store: ListStore, other: ListStore
    ) -> None:
        known = Frontier(0, 10, serial=4, owner=2)
        await published(store, frontier=known)
        assert await other.fence("0of1", 2) == known._replace(owner=3)
        news = Publication([a_list()], (), known._replace(serial=5))
        assert await store.publish(news, known) == (False, known._replace(owner=3))
        assert await store.read("ann") is None

    async def test_who_is_silenced_in_an_emptied_store_publishes_nothing_more(
        self, store: ListStore, other: ListStore
    ) -> None:
        fenced = await other.fence("0of1", 2)
        assert fenced == NOTHING_PUBLISHED._replace(owner=3, serial=UNKNOWN_SERIAL)
        news = Publication([a_list()], (), Frontier(0, 10, serial=5, owner=2))
        assert await store.publish(news, NOTHING_PUBLISHED) == (False, fenced)
        assert await store.read("ann") is None

    async def test_who_comes_back_after_a_store_that_fell_back_was_silenced_publishes_everything(
        self, store: ListStore, other: ListStore
    ) -> None:
        topic = Frontier(0, 20, serial=6, owner=2, agreed=5)
        fell_back_to = Frontier(0, 19, serial=6, owner=1, agreed=5)  # and went on without owner 2
        await published(store, frontier=fell_back_to)
        for _ in range(2):
            await other.fence("0of1", topic.owner)
        gate = gate_between(await store.frontier(), topic, log_epoch=0)
        assert gate == Gate((0, 20), republish_after=-1)

    async def test_shards_share_the_lists_and_have_frontiers_of_their_own(
        self, store: ListStore, other: ListStore
    ) -> None:
        await published(store, a_list(), frontier=Frontier(0, 10))
        assert await other.frontier() == NOTHING_PUBLISHED
        assert (await found(other)).as_of == 10


class TestMemoryLists(ListStoreContract):
    """The twin in memory."""

    @pytest.fixture
    def store(self) -> MemoryLists:
        """An empty table."""
        return MemoryLists()

    @pytest.fixture
    def other(self, store: MemoryLists) -> ListStore:
        """The same table, as a shard of another M reaches it."""
        return store.of("1of3")


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

    @pytest.fixture
    def other(self, redis: "Redis", generation: str) -> ListStore:
        """The same table, as a shard of another M reaches it."""
        return RedisLists(redis, generation, shard=1, shards=3, ttl_s=TTL_S)

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

    @pytest.mark.parametrize("erased", [(), ("bob",)])
    async def test_a_key_of_another_type_costs_its_own_list_and_is_left(
        self, store: RedisLists, redis: "Redis", generation: str, erased: tuple[str, ...]
    ) -> None:
        await redis.rpush(list_key(generation, "bob"), "theirs")
        lists = [a_list("ann"), a_list("cid")] + ([] if erased else [a_list("bob")])
        frontier = Frontier(0, 10)
        assert await published(store, *lists, erased=erased, frontier=frontier) == (True, frontier)
        assert await redis.lrange(list_key(generation, "bob"), 0, -1) == [b"theirs"]
        assert (await found(store, "ann")).as_of == (await found(store, "cid")).as_of == 10
        assert store.left_out == ["bob"]
        assert await store.read("bob") is None
        assert await store.take_free() == []
        await redis.delete(list_key(generation, "bob"))
        assert await store.take_free() == ["bob"]
        assert store.left_out == []

    @pytest.mark.parametrize("value", ["", "x", "1e9", "nan", "99 bottles", "9" * 400])
    async def test_foreign_fields_of_a_hash_are_replaced_or_cost_its_own_list(
        self, store: RedisLists, redis: "Redis", generation: str, value: str
    ) -> None:
        await redis.hset(list_key(generation, "bob"), mapping={"as_of": value, "log_epoch": value})
        assert await store.read("bob") is None
        assert (await published(store, a_list("ann"), a_list("bob"))).is_accepted
        assert (await found(store, "ann")).as_of == 10
        if len(value) < 100:
            assert (await found(store, "bob")).as_of == 10

    @pytest.mark.parametrize("value", [b"theirs", b"{}", b"[]", b'["a", 1]', b"[1, null]", b"\xff"])
    async def test_what_stands_in_the_frontiers_place_is_renamed_and_everything_is_published(
        self, store: RedisLists, redis: "Redis", generation: str, value: bytes
    ) -> None:
        key = frontier_key(generation, "0of1")
        await redis.set(key, value)
        assert await store.frontier() == NOTHING_PUBLISHED
        outcome = await published(store, a_list(), frontier=Frontier(0, 10))
        assert outcome == (True, Frontier(0, 10))
        assert await store.frontier() == Frontier(0, 10)
        assert await redis.get(f"{key}:foreign") == value

    async def test_a_frontier_key_of_another_type_is_renamed(
        self, store: RedisLists, redis: "Redis", generation: str
    ) -> None:
        key = frontier_key(generation, "0of1")
        await redis.rpush(key, "theirs")
        assert (await published(store, a_list(), frontier=Frontier(0, 10))).is_accepted
        assert await redis.lrange(f"{key}:foreign", 0, -1) == [b"theirs"]
        await redis.delete(key)
        await redis.hset(key, "theirs", "1")
        behind = Publication([a_list(as_of=11)], (), Frontier(0, 11))
        assert await store.publish(behind, Frontier(0, 10)) == (False, NOTHING_PUBLISHED)

    async def test_generations_do_not_meet(
        self, store: RedisLists, redis: "Redis", generation: str
    ) -> None:
        await published(store, a_list(), frontier=Frontier(0, 10))
        second = RedisLists(redis, f"{generation}x", shard=0, shards=1, ttl_s=TTL_S)
        assert await second.count() == 0
        assert await second.frontier() == NOTHING_PUBLISHED

    async def test_a_publication_says_nothing_of_who_serves(
        self, store: RedisLists, redis: "Redis"
    ) -> None:
        await redis.delete(ACTIVE_KEY)
        await published(store, frontier=Frontier(0, 10))
        assert not await redis.exists(ACTIVE_KEY)

    async def test_a_publication_of_several_calls_ends_where_the_store_falls_back_meanwhile(
        self, store: RedisLists, redis: "Redis", generation: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await published(store, frontier=Frontier(0, 9, serial=1))
        many = [a_list(f"listener-{at}") for at in range(LISTS_A_CALL_MAX + 1)]
        call, key = store._call, frontier_key(generation, "0of1")

        async def then_fall_back(*arguments: Any) -> bytes | None:
            found = await call(*arguments)
            await redis.set(key, Frontier(0, 9, serial=1).text())
            return found

        monkeypatch.setattr(store, "_call", then_fall_back)
        outcome = await published(store, *many, frontier=Frontier(0, 10, serial=2))
        assert outcome == (False, Frontier(0, 9, serial=1))
        assert await store.frontier() == Frontier(0, 9, serial=1)
