"""Two recommenders of one identity; the elder freezes between its Redis write and its produce."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from redis.asyncio import Redis

from streams.kafka.log_reader import LogReader
from streams.lists.list_maker import ListMaker
from streams.lists.list_shape import ListShape
from streams.lists.list_store import Publication
from streams.lists.redis_lists import RedisLists
from streams.ownership.takeover import claim_stores
from streams.publishing.gate import gate_between
from streams.publishing.publisher import Publisher
from streams.publishing.removals import erased_ids_reader
from streams.publishing.topic_transactions import TopicTransactions, clients_of
from streams.publishing.topic_writer import TopicWriter
from tests.support.learning_log import a_batch, a_fold, an_event
from tests.support.lists_seen import agreed_lists, in_redis, in_topic
from tests.support.station import Station, wait_until
from topics.errors import LogError

LOG = [a_batch(an_event(track_id=f"t{at}", minute=9 * at), from_offset=at) for at in range(4)]
THAW_TIMEOUT_S = 60.0


class Owner:
    """What publishes in a recommender, without the worker around it."""

    def __init__(self, station: Station) -> None:
        self.redis = Redis.from_url(station.addresses.redis)
        self.fold = a_fold()
        self.maker = ListMaker(self.fold, "first", shard=0, shards=1, shape=ListShape(5))
        self.lists = RedisLists(self.redis, "first", shard=0, shards=1, ttl_s=600)
        self.transactions = TopicTransactions(
            station.settings.recommender_id, clients_of(station.addresses.kafka)
        )
        self.topic = TopicWriter(self.transactions)
        erased = erased_ids_reader(partial(LogReader, station.addresses.kafka))
        self.publisher = Publisher(self.fold, self.maker, self.lists, self.topic, erased)

    async def take_over(self) -> None:
        """Fences whoever came before."""
        self.publisher.open_with(gate_between(*await claim_stores(self.publisher, 1.0), 0))

    async def fold_next(self, records: int = 1) -> None:
        """Folds the next records and publishes what they changed."""
        for _ in range(records):
            offset = self.fold.offset + 1
            self.publisher.learn([(offset, LOG[offset])], f"hash-{offset}")
            await self.publisher.publish()
        await self.publisher.redis.wait_until_written()

    async def wait_published(self) -> None:
        """Waits until the topic holds what was folded last."""
        await asyncio.to_thread(
            wait_until, lambda: self.topic.published.as_of, lambda it: it == self.fold.offset
        )


def frozen(call: Callable[..., Any], thaw: threading.Event) -> Callable[..., Any]:
    """`call`, which does not begin before `thaw`."""

    def later(*arguments: Any) -> Any:
        assert thaw.wait(THAW_TIMEOUT_S)
        return call(*arguments)

    return later


@pytest.mark.parametrize("step", ["commit", "_retried"], ids=["before", "within"])
async def test_who_froze_around_the_produce_changes_nothing_after_a_takeover(
    station: Station, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    elder, younger = Owner(station), Owner(station)
    await elder.take_over()
    await elder.fold_next()
    await elder.wait_published()
    thaw = threading.Event()
    monkeypatch.setattr(elder.transactions, step, frozen(getattr(elder.transactions, step), thaw))
    await elder.fold_next()
    assert in_redis(station)["ann"].as_of == 1
    assert in_topic(station)["ann"].as_of == 0
    since = await elder.lists.frontier()

    await younger.take_over()
    await younger.fold_next(3)
    lists = await asyncio.to_thread(agreed_lists, station)
    assert lists["ann"].as_of == 2

    thaw.set()
    await asyncio.to_thread(wait_until, lambda: elder.topic.failure, lambda it: it is not None)
    elders = elder.maker.lists(elder.maker.changed_after(-1))
    late = Publication(elders, (), since._replace(serial=99))
    assert not (await elder.lists.publish(late, since)).is_accepted
    assert in_redis(station) == in_topic(station) == lists
    assert (await younger.lists.frontier()).as_of == 2
    with pytest.raises(LogError, match="another of its identity took over"):
        await elder.fold_next()

    await younger.fold_next()
    lists = await asyncio.to_thread(agreed_lists, station)
    assert lists["ann"].as_of == 3
    await asyncio.to_thread(younger.topic.close)
    for each in (elder, younger):
        await each.redis.aclose()
