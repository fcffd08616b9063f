"""A new owner looks for recommenders of another M, and takes both stores from them."""

from collections.abc import Sequence
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest

from streams.folding.fold import Fold
from streams.kafka.topic_facts import Bounds
from streams.lists.frontier import NOTHING_PUBLISHED, Frontier
from streams.lists.list_maker import ListMaker
from streams.lists.list_shape import ListShape
from streams.lists.list_store import Publication
from streams.lists.memory_lists import MemoryLists
from streams.ownership.resharding import FormerShards
from streams.ownership.takeover import (
    CLAIMS_MAX,
    AlwaysServing,
    Serving,
    Takeover,
    claim_stores,
)
from streams.publishing.gate import gate_between
from streams.publishing.publisher import Publisher
from streams.publishing.redis_alone import RedisAlone
from streams.publishing.topic_listeners import ListenersInTopic
from streams.publishing.topic_writer import TopicWriter
from tests.support.kept_transactions import KeptTransactions
from tests.support.learning_log import a_fold
from topics.errors import LogError


class FencedMeanwhile(MemoryLists):
    """A Redis in which another M fences this shard just before it claims Redis, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._looks, self._times = 0, times

    async def frontier(self) -> Frontier:
        self._looks += 1
        found = await super().frontier()
        if self._looks % 3 == 1 and self._times:  # after the first look of a takeover
            self._times -= 1
            self._frontier = found._replace(owner=found.owner + 1)
        return found


class EmptyTopic:
    """Nobody has published to it."""

    writes_lists = True

    def __init__(self) -> None:
        self.published = NOTHING_PUBLISHED
        self.claimed: list[int] = []
        self.abandoned = 0

    def open(self) -> Frontier:
        return self.published

    def claim(self, owner: int) -> None:
        self.claimed.append(owner)
        self.published = self.published._replace(owner=owner)

    def note_redis(self, frontier: Frontier) -> None:
        return

    def check(self) -> None:
        return

    def abandon(self) -> None:
        self.abandoned += 1

    def renewed(self) -> "EmptyTopic":
        return self


class FormerAlive:
    """Recommenders of another M, of which `alive` says how often each look still finds them."""

    def __init__(self, ids: Sequence[str] = (), alive: Sequence[list[str]] = ()) -> None:
        self._ids, self._alive = [*ids], [*alive]
        self.looks = 0
        self.fenced: list[str] = []
        self.others: list[str] = []

    def ids(self) -> list[str]:
        self.looks += 1
        return self._ids

    def rivals(self) -> list[str]:
        return self.others

    def alive(self, ids: list[str]) -> list[str]:
        return self._alive.pop(0) if self._alive else []

    def frontiers(self, ids: list[str]) -> list[Frontier]:
        return [Frontier(0, 5, serial=3, owner=4) for _ in ids]

    def fence(self, ids: list[str]) -> list[Frontier]:
        self.fenced += ids
        return self.frontiers(ids)


def an_empty_log() -> Any:
    bounds = Bounds(0, 0)
    return nullcontext(SimpleNamespace(bounds=lambda: bounds, hash_at=lambda offset: ""))


def a_takeover(
    lists: MemoryLists,
    topic: EmptyTopic,
    former: FormerAlive,
    serving: Serving | None = None,
    read_topic: ListenersInTopic = set,
) -> tuple[Takeover, Publisher]:
    fold: Fold = a_fold()

    async def nobody(offsets: Sequence[int]) -> set[str]:
        return set()

    maker = ListMaker(fold, "first", shard=0, shards=1, shape=ListShape(3))
    publisher = Publisher(fold, maker, lists, cast(TopicWriter, topic), nobody)
    takeover = Takeover(
        publisher,
        cast(FormerShards, former),
        read_log=an_empty_log,
        fold=fold,
        retry_s=0.0,
        serving=serving,
        read_topic=read_topic,
    )
    return takeover, publisher


@pytest.mark.parametrize("times", [0, 1, 2])
async def test_a_process_that_another_m_fenced_meanwhile_takes_over_again(times: int) -> None:
    lists, topic, former = FencedMeanwhile(times), EmptyTopic(), FormerAlive()
    takeover, publisher = a_takeover(lists, topic, former)
    await takeover.run()
    assert former.looks == topic.abandoned + 1 == times + 1
    assert publisher.gate is not None
    assert (await lists.frontier()).owner == topic.claimed[-1]


async def test_recommenders_of_another_m_are_waited_for_and_then_fenced_in_both_stores() -> None:
    former_id = "echotune-recommender-first-0of2"
    lists, topic = MemoryLists(), EmptyTopic()
    former = FormerAlive([former_id], alive=[[former_id], [former_id], []])
    takeover, publisher = a_takeover(lists, topic, former)
    await takeover.run()
    assert former.fenced == [former_id]
    assert takeover.waits_for == []
    assert publisher.gate is not None
    assert publisher.gate.opens_at >= (0, 5)
    refenced = await lists.fence("0of2", 0)
    assert refenced.owner == 6  # it was fenced once before, beyond its owner 4


class PlanOf(AlwaysServing):
    """A plan that is changed just after the rivals were fenced, if `is_changed`."""

    transactions = KeptTransactions().transactions()

    def __init__(self, former: FormerAlive, *, is_changed: bool) -> None:
        self.former, self.is_changed = former, is_changed
        self.fenced_at_reading: list[str] = []

    async def has_changed(self) -> bool:
        self.fenced_at_reading = [*self.former.fenced]
        changed, self.is_changed = self.is_changed, False
        if changed:
            self.holds_topic = False
        return changed

    def next_topic(self, former: TopicWriter) -> TopicWriter:
        return former if self.holds_topic else RedisAlone(self.transactions)


async def test_a_holder_fences_other_generations_before_it_reads_the_journal_again() -> None:
    topic, former = EmptyTopic(), FormerAlive()
    former.others = ["echotune-recommender-second-0of1"]
    plan = PlanOf(former, is_changed=False)
    takeover, publisher = a_takeover(MemoryLists(), topic, former, plan)
    await takeover.run()
    assert plan.fenced_at_reading == former.others
    assert publisher.gate is not None
    assert publisher.gate.opens_at == (0, 5)  # what the other one published last


async def test_who_is_stable_no_more_once_it_has_fenced_goes_on_with_redis_alone() -> None:
    lists, topic, former = MemoryLists(), EmptyTopic(), FormerAlive()
    former.others = ["echotune-recommender-second-0of1"]
    takeover, publisher = a_takeover(lists, topic, former, PlanOf(former, is_changed=True))
    await takeover.run()
    assert isinstance(publisher.topic, RedisAlone)
    assert topic.abandoned == 1
    assert publisher.topic.published.position == (await lists.frontier()).position
    assert (await lists.frontier()).owner == publisher.topic._transactions.published.owner


@pytest.mark.parametrize(
    ("others", "is_changed", "is_swept"),
    [
        (["echotune-recommender-second-0of1"], False, True),
        (["echotune-recommender-second-0of1"], True, False),
        ([], False, False),
    ],
    ids=["beside another generation", "no longer stable", "alone"],
)
async def test_the_holder_sweeps_the_topic_once_other_generations_are_fenced(
    others: list[str], is_changed: bool, is_swept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[set[str]] = []
    topic, former, fenced_at_reading = EmptyTopic(), FormerAlive(), []
    former.others = others

    def read_topic() -> set[str]:
        fenced_at_reading.append([*former.fenced])
        return {"nobody"}

    plan = PlanOf(former, is_changed=is_changed)
    takeover, publisher = a_takeover(MemoryLists(), topic, former, plan, read_topic)
    monkeypatch.setattr(publisher, "sweep", swept.append)
    await takeover.run()
    await takeover.sweep()
    assert fenced_at_reading == ([others] if is_swept else [])
    assert swept == ([{"nobody"}] if is_swept else [])


async def test_a_quiet_generation_takes_nothing_over() -> None:
    lists, topic, former = MemoryLists(), EmptyTopic(), FormerAlive()
    plan = PlanOf(former, is_changed=False)
    plan.publishes = False
    takeover, publisher = a_takeover(lists, topic, former, plan)
    await takeover.run()
    assert publisher.gate is None
    assert not topic.claimed
    assert await lists.frontier() == NOTHING_PUBLISHED


async def test_who_was_frozen_while_its_generation_was_retired_publishes_nothing() -> None:
    """It claims the stores once more, which shows nobody a list, and then reads the journal."""
    lists, former = MemoryLists(), FormerAlive()
    plan = Retired(former, is_changed=False)
    takeover, publisher = a_takeover(lists, EmptyTopic(), former, plan)
    await takeover.run()
    assert publisher.gate is None
    assert (former.fenced, await lists.count()) == ([], 0)


class Retired(PlanOf):
    """A generation without the topic, which the journal no longer has."""

    holds_topic = False

    async def has_changed(self) -> bool:
        self.publishes = False
        return await super().has_changed()


ALL = -1


@pytest.mark.parametrize(
    ("topic", "due_after"),
    [
        (Frontier(0, 6, serial=6, missing_after=ALL, owner=1, agreed=4), ALL),
        (Frontier(0, 6, serial=6, missing_after=None, owner=1, agreed=4), 3),
        (Frontier(0, 2, serial=4, missing_after=ALL, owner=1, agreed=4), 3),
        (Frontier(0, 2, serial=5, missing_after=ALL, owner=1, agreed=4), 3),
    ],
    ids=["a lost repair", "lost changes", "an old topic", "the same publication"],
)
async def test_who_goes_on_with_redis_alone_repairs_what_redis_lost_while_it_held_the_topic(
    topic: Frontier, due_after: int
) -> None:
    lists, writes_nothing = MemoryLists(), FencedTopic(0)
    in_redis = Frontier(0, 3, serial=5, missing_after=3, owner=1, agreed=4)
    await lists.publish(Publication((), (), in_redis), NOTHING_PUBLISHED)
    writes_nothing.published = topic
    _, publisher = a_takeover(lists, writes_nothing, FormerAlive())
    claimed = await claim_stores(publisher, 0.0)
    assert gate_between(*claimed, log_epoch=0).republish_after == due_after


class FencedTopic(EmptyTopic):
    """Another generation, or another process, fences whoever claims it, so many times."""

    def __init__(self, times: int, *, writes_lists: bool = False, is_fenced: bool = True) -> None:
        super().__init__()
        self.times, self.writes_lists, self.is_fenced = times, writes_lists, is_fenced

    def claim(self, owner: int) -> None:
        if self.times:
            self.times -= 1
            raise LogError("fenced", "")
        super().claim(owner)


async def test_who_writes_to_redis_alone_and_is_fenced_by_the_new_holder_claims_again() -> None:
    lists, topic = MemoryLists(), FencedTopic(CLAIMS_MAX - 1)
    takeover, publisher = a_takeover(lists, topic, FormerAlive())
    await takeover.run()
    assert publisher.gate is not None
    assert len(topic.claimed) == 1
    assert topic.abandoned == CLAIMS_MAX - 1


@pytest.mark.parametrize(
    "topic",
    [
        FencedTopic(CLAIMS_MAX),  # another process of this identity wants the stores as well
        FencedTopic(1, writes_lists=True),
        FencedTopic(1, is_fenced=False),  # Redis knows a later owner
    ],
)
async def test_whoever_is_fenced_for_good_ends(topic: FencedTopic) -> None:
    takeover, _ = a_takeover(MemoryLists(), topic, FormerAlive())
    with pytest.raises(LogError):
        await takeover.run()
    assert topic.claimed == []
