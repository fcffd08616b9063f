"""Nothing goes out before the gate, and then everything that Redis or the topic lacks."""

import asyncio
from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from streams.folding.fold import Fold
from streams.lists.frontier import NOTHING_PUBLISHED, Frontier
from streams.lists.list_maker import ListMaker
from streams.lists.list_shape import ListShape
from streams.lists.list_store import Publication, PublishOutcome, StoredList
from streams.lists.memory_lists import MemoryLists
from streams.ownership.takeover import claim_stores
from streams.publishing import list_writer
from streams.publishing.gate import Gate, StoreFrontiers, gate_between
from streams.publishing.publication_plan import FALLBACK_EVERY_RECORDS
from streams.publishing.publisher import Publisher
from streams.publishing.removals import erased_by
from streams.publishing.topic_writer import TopicWriter
from tests.support.learning_log import a_batch, a_fold, an_event
from topics.errors import LogError
from topics.learning_batch import LearningBatch
from topics.listening_event import EventFields
from topics.recommendation_list import EVERYONE, RecommendationList

WIDE_OPEN = Gate((-1, -1), -1)


Replica = tuple[dict[str, StoredList], Frontier]


class FrailLists(MemoryLists):
    """A Redis that can go away and forget."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away = False
        self.is_full = False
        self.refused = 0
        self.occupied: set[str] = set()
        """Whose lists have another value in their place."""
        self._left_out: set[str] = set()
        self._slow: list[asyncio.Event] = []

    def wait_for(self, *events: asyncio.Event) -> None:
        """Takes the next publications only after these events, all others after the last."""
        self._slow = [*events]

    async def publish(self, publication: Publication, since: Frontier) -> PublishOutcome:
        if self._slow:
            await (self._slow.pop(0) if len(self._slow) > 1 else self._slow[0]).wait()
        self._answer()
        if self.is_full:
            self.refused += 1
            raise ConnectionError("full")
        named = {each.listener_id for each in publication.lists} | {*publication.erased}
        self._left_out |= named & self.occupied
        lists = [each for each in publication.lists if each.listener_id not in self.occupied]
        return await super().publish(publication._replace(lists=lists), since)

    async def take_free(self) -> list[str]:
        free = self._left_out - self.occupied
        self._left_out -= free
        return sorted(free)

    async def frontier(self) -> Frontier:
        self._answer()
        return await super().frontier()

    def _answer(self) -> None:
        if self.is_away:
            raise ConnectionError("away")

    def flush(self) -> None:
        self._lists.clear()
        self._frontier = NOTHING_PUBLISHED

    def lose(self, listener_id: str) -> None:
        del self._lists[listener_id]

    def replica(self) -> Replica:
        """What a replica has now."""
        return dict(self._lists), self._frontier

    def fall_back_to(self, replica: Replica) -> None:
        """A failover to a replica that lags behind."""
        self._lists, self._frontier = dict(replica[0]), replica[1]

    def as_of(self) -> dict[str, int]:
        return {name: stored.as_of for name, stored in self._lists.items()}


class RememberedTopic:
    """The topic as compaction leaves it: the last of each key."""

    writes_lists = True

    def __init__(self) -> None:
        self.frontier: Frontier | None = None
        self.offered: list[Publication] = []
        self.as_of: dict[str, int] = {}
        self.published = NOTHING_PUBLISHED
        self.is_fenced = False
        self.is_fenced_in_kafka = False
        self.proofs = 0

    @property
    def failure(self) -> Exception | None:
        return PermissionError() if self.is_fenced else None

    async def prove(self) -> None:
        self.proofs += 1
        self.is_fenced = self.is_fenced or self.is_fenced_in_kafka
        self.check()

    def open(self) -> Frontier:
        return self.published

    def claim(self, owner: int) -> None:
        self.published = self.published._replace(owner=owner)

    def fence(self) -> None:
        self.is_fenced = True

    def note_redis(self, frontier: Frontier) -> None:
        return

    def check(self) -> None:
        if self.is_fenced:
            raise LogError("fenced", "")

    def commit(self) -> None:
        """The transaction that holds all that was offered."""
        self.published = self.frontier or self.published

    def offer(self, publication: Publication) -> None:
        self.check()
        self.offered.append(publication)
        self.as_of |= {each.listener_id: each.as_of for each in publication.lists}
        for listener_id in publication.erased:
            self.as_of.pop(listener_id, None)
        if not publication.more_follow:
            self.frontier = publication.frontier


class Desk:
    """A fold and its publisher, fed one record at a time."""

    def __init__(
        self,
        gate: Gate | None = WIDE_OPEN,
        *,
        lists_max: int = 2_000,
        shard: int = 0,
        shards: int = 1,
        made_by: str = "",
    ) -> None:
        self.fold: Fold = a_fold()
        self.lists, self.topic = FrailLists(), RememberedTopic()
        self.maker = ListMaker(self.fold, "first", shard=shard, shards=shards, shape=ListShape(3))
        self.log: list[LearningBatch] = []
        self.reads: list[Sequence[int]] = []
        self.log_answers = asyncio.Event()
        self.log_answers.set()
        self.publisher = Publisher(
            self.fold,
            self.maker,
            self.lists,
            cast(TopicWriter, self.topic),
            self.erased_at,
            made_by=made_by,
            lists_a_publication_max=lists_max,
        )
        self.covered = 0
        if gate is not None:
            self.publisher.open_with(gate)

    def a_record(self, events: Sequence[EventFields]) -> LearningBatch:
        batch = a_batch(*events, from_offset=self.covered)
        self.covered += len(batch)
        self.log.append(batch)
        return batch

    async def erased_at(self, offsets: Sequence[int]) -> set[str]:
        """Of the log that it folds."""
        await self.log_answers.wait()
        self.reads.append(offsets)
        return {each for at in offsets for each in erased_by(self.log[at])}

    async def hear(self, *events: EventFields) -> None:
        """Folds the events as one record, and publishes."""
        await self.hear_chunk([events])

    async def hear_chunk(self, records: Sequence[Sequence[EventFields]]) -> None:
        """Folds several records, and publishes as of the last."""
        first = self.fold.offset + 1
        self.publisher.learn([*enumerate(map(self.a_record, records), first)], "hash")
        await self.publisher.publish()
        await self.publisher.redis.wait_until_written()

    async def take_over(self) -> None:
        redis, topic = await claim_stores(self.publisher, 0.0)
        self.publisher.open_with(gate_between(redis, topic, log_epoch=0))

    async def look_after(self) -> None:
        await self.publisher.repair_redis()
        await self.publisher.redis.wait_until_written()

    async def redis(self) -> dict[str, int]:
        return self.lists.as_of()


def an_heir(former: Desk, topic_seen: RememberedTopic | None = None) -> Desk:
    """Another process of the same identity, with the same stores."""
    desk = Desk(gate=None)
    desk.lists, desk.topic = former.lists, topic_seen or former.topic
    topic = cast(TopicWriter, desk.topic)
    desk.publisher = Publisher(desk.fold, desk.maker, desk.lists, topic, desk.erased_at)
    return desk


def an_erasure(listener_id: str = "ann", minute: float = 50) -> EventFields:
    return an_event(listener_id, None, kind="ERASE", minute=minute)


async def test_who_changed_gets_a_list_in_both_as_of_the_last_record() -> None:
    desk = Desk()
    await desk.hear(an_event("ann"))
    await desk.hear_chunk([[an_event("bob")], [an_event("cid")]])
    expected = {"ann": 0, "bob": 2, "cid": 2, EVERYONE: 0}
    assert await desk.redis() == desk.topic.as_of == expected
    desk.topic.commit()
    assert await desk.lists.frontier() == desk.topic.published
    assert desk.topic.published[:4] == (0, 2, "hash", 2)


async def test_several_changes_of_a_chunk_are_one_list() -> None:
    desk = Desk()
    await desk.hear_chunk([[an_event(minute=at)] for at in range(5)])
    assert await desk.redis() == {"ann": 4, EVERYONE: 4}


async def test_a_record_without_news_moves_the_frontier() -> None:
    desk = Desk()
    await desk.hear(an_event())
    await desk.hear(an_event())
    assert await desk.redis() == {"ann": 0, EVERYONE: 0}
    assert await desk.lists.frontier() == desk.topic.frontier
    assert (await desk.lists.frontier())[:4] == (0, 1, "hash", 2)


async def test_nothing_goes_out_while_the_frontiers_are_unknown() -> None:
    desk = Desk(gate=None)
    await desk.hear(an_event())
    assert await desk.redis() == desk.topic.as_of == {}


async def test_nothing_goes_out_before_the_gate_and_then_all_that_is_missing() -> None:
    desk = Desk(Gate(opens_at=(0, 3), republish_after=1))
    for name in ("ann", "bob", "cid"):
        await desk.hear(an_event(name))
        assert await desk.redis() == desk.topic.as_of == {}
    await desk.hear(an_event("dan"))
    expected = {"cid": 3, "dan": 3, EVERYONE: 3}
    assert await desk.redis() == desk.topic.as_of == expected


async def test_who_lost_the_log_publishes_nothing_more_until_the_gate_is_set_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(lists_max=1)
    renewed = RememberedTopic()
    publish = desk.lists.publish

    async def lose_meanwhile(publication: Publication, since: Frontier) -> PublishOutcome:
        desk.publisher.shut(cast(TopicWriter, renewed))
        return await publish(publication, since)

    monkeypatch.setattr(desk.lists, "publish", lose_meanwhile)
    await desk.hear(*(an_event(f"listener-{at}") for at in range(4)))
    assert renewed.offered == []
    monkeypatch.undo()
    desk.publisher.open_with(Gate((0, 0), -1))
    await desk.hear(an_event("ann"))
    assert set(renewed.as_of) == {*(f"listener-{at}" for at in range(4)), "ann", EVERYONE}


async def test_who_loses_the_log_in_the_middle_of_a_large_repair_makes_no_more_lists(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(lists_max=1)
    pieces, make = [], desk.maker.lists

    def lists(listeners: NDArray[np.int32]) -> list[RecommendationList]:
        pieces.append(listeners)
        if len(pieces) == 3:
            desk.publisher.shut(cast(TopicWriter, RememberedTopic()))
        return make(listeners)

    monkeypatch.setattr(desk.maker, "lists", lists)
    await desk.hear(*(an_event(f"listener-{at}") for at in range(9)))
    assert len(pieces) == 3


async def test_lists_that_another_configuration_made_are_made_again_by_whoever_takes_over() -> None:
    former = Desk(gate=None, made_by="one")
    await former.take_over()
    for name in ("ann", "bob", "cid"):
        await former.hear(an_event(name))
    former.topic.commit()
    for made_by, expected in (
        ("one", {"ann": 0, "bob": 1, "cid": 2}),
        ("another", dict.fromkeys(("ann", "bob", "cid"), 2)),
    ):
        desk = Desk(gate=None, made_by=made_by, lists_max=2)
        desk.lists.fall_back_to(former.lists.replica())
        desk.topic.published = former.topic.published
        desk.topic.as_of = dict(former.topic.as_of)
        for name in expected:
            await desk.hear(an_event(name))
        await desk.take_over()
        await desk.look_after()
        assert await desk.redis() == desk.topic.as_of == {**expected, EVERYONE: 2}
        assert (await desk.lists.frontier()).made_by == made_by


@pytest.mark.parametrize(
    ("place", "made_anew"), [(0, []), (7, ["ann", "bob"])], ids=["before", "since"]
)
async def test_lists_that_a_former_shard_made_otherwise_are_made_again(
    place: int, made_anew: list[str]
) -> None:
    desk = Desk(gate=None, made_by="one")
    await taken_over(desk)
    for name in ("ann", "bob"):
        await desk.hear(an_event(name))
    desk.topic.commit()
    former = Frontier(0, place, serial=3, owner=4, made_by="another")
    desk.publisher.open_with(Gate((0, 2), 1), [StoreFrontiers(former, former)])
    await desk.hear(an_event("cid"))
    found = {name for name, as_of in (await desk.redis()).items() if as_of == 2}
    assert found == {*made_anew, "cid", EVERYONE}


async def test_what_both_stores_have_is_not_made_anew_by_who_takes_over_within_a_chunk() -> None:
    former = Desk(gate=None)
    await former.take_over()
    for name in ("ann", "bob"):
        await former.hear(an_event(name))
    former.topic.commit()
    desk = an_heir(former)
    await desk.take_over()
    desk.lists.is_away = True  # what goes out now reaches one store
    await desk.hear_chunk([[an_event("ann")], [an_event("bob")]])
    desk.lists.is_away = False
    await desk.look_after()
    assert await desk.redis() == desk.topic.as_of == {"ann": 0, "bob": 1, EVERYONE: 1}


async def test_of_a_store_that_has_a_part_of_them_nobody_says_that_all_are_made_anew() -> None:
    old, new = (Frontier(0, 2, serial=at, made_by=by) for at, by in ((3, "one"), (4, "another")))
    assert new.reached_in_part(old).made_by == "one"


async def test_the_gate_shuts_in_an_earlier_epoch() -> None:
    desk = Desk(Gate(opens_at=(1, -1), republish_after=-1))
    await desk.hear(an_event())
    assert await desk.redis() == {}


async def test_while_redis_is_away_the_topic_is_served_and_learning_goes_on() -> None:
    desk = Desk()
    await desk.hear(an_event("ann"))
    desk.lists.is_away = True
    await desk.hear(an_event("bob"))
    await desk.look_after()
    await desk.hear(an_event("cid"))
    assert desk.fold.applied == 3
    assert desk.publisher.redis.error == "ConnectionError: away"
    assert desk.topic.as_of == {"ann": 0, "bob": 1, "cid": 2, EVERYONE: 0}


async def test_when_redis_is_back_it_gets_what_it_missed() -> None:
    desk = Desk()
    await desk.hear(an_event("ann"))
    desk.lists.is_away = True
    await desk.hear(an_event("bob"))
    desk.lists.is_away = False
    await desk.look_after()
    assert await desk.redis() == {"ann": 0, "bob": 1, EVERYONE: 1}
    assert desk.publisher.redis.error is None
    assert (await desk.lists.frontier()).position == (0, 1)


async def test_a_redis_that_comes_back_empty_gets_every_list() -> None:
    desk = Desk()
    await desk.hear(an_event("ann"))
    desk.lists.is_away = True
    await desk.hear(an_event("bob"))
    desk.lists.is_away = False
    desk.lists.flush()
    await desk.look_after()
    assert await desk.redis() == {"ann": 1, "bob": 1, EVERYONE: 1}


async def test_an_idle_redis_that_was_emptied_gets_every_list_at_the_next_heartbeat() -> None:
    desk = Desk()
    for name in ("ann", "bob"):
        await desk.hear(an_event(name))
    desk.lists.flush()
    await desk.look_after()
    assert await desk.redis() == {"ann": 1, "bob": 1, EVERYONE: 1}


async def test_a_busy_redis_that_was_emptied_gets_every_list_with_the_next_record() -> None:
    desk = Desk()
    for name in ("ann", "bob"):
        await desk.hear(an_event(name))
    desk.lists.flush()
    await desk.hear(an_event("cid"))
    await desk.hear(an_event("dan"))
    assert set(await desk.redis()) == {"ann", "bob", "cid", "dan", EVERYONE}


async def test_a_place_that_another_value_has_left_gets_its_list_at_the_next_heartbeat() -> None:
    desk = Desk()
    desk.lists.occupied = {"bob", "dan"}
    for name in ("ann", "bob", "cid", "dan"):
        await desk.hear(an_event(name))
    await desk.hear(an_erasure("dan"))
    await desk.look_after()
    assert await desk.redis() == {"ann": 0, "cid": 2, EVERYONE: 4}
    desk.lists.occupied = {"dan"}
    await desk.look_after()
    assert await desk.redis() == {"ann": 0, "bob": 4, "cid": 4, EVERYONE: 4}
    assert {name: desk.topic.as_of[name] for name in ("ann", "bob")} == {"ann": 0, "bob": 4}
    desk.lists.occupied = set()
    await desk.look_after()
    assert desk.topic.offered[-1].erased == ["dan"]


async def test_an_emptied_redis_takes_nothing_until_it_gets_all_that_it_lacks() -> None:
    desk = Desk()
    for name in ("ann", "bob"):
        await desk.hear(an_event(name))
    desk.lists.flush()
    await desk.hear(an_event("cid"))
    assert await desk.redis() == {}
    assert await desk.lists.frontier() == NOTHING_PUBLISHED
    await desk.look_after()
    assert set(await desk.redis()) == {"ann", "bob", "cid", EVERYONE}
    assert (await desk.lists.frontier()).position == (0, 2)


async def test_news_during_a_repair_are_part_of_it_and_no_list_is_newer_than_its_frontier(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(lists_max=1)
    await desk.hear(*(an_event(f"listener-{at}") for at in range(4)))
    desk.lists.flush()
    desk.topic.offered.clear()
    publish = desk.lists.publish

    async def slowly(publication: Publication, since: Frontier) -> PublishOutcome:
        await asyncio.sleep(0)
        return await publish(publication, since)

    monkeypatch.setattr(desk.lists, "publish", slowly)
    await asyncio.gather(desk.look_after(), desk.hear(an_event("late")))
    await desk.publisher.redis.wait_until_written()
    parts = [each for each in desk.topic.offered if each.lists]
    assert [{it.as_of for it in each.lists} for each in parts] == [
        {each.frontier.as_of} for each in parts
    ]
    assert [each.frontier.serial for each in parts] == [2] * len(parts)
    assert (await desk.lists.frontier()).position == (0, 1)
    assert await desk.redis() == desk.topic.as_of
    assert desk.topic.as_of["late"] == 1


async def test_a_redis_that_fell_back_a_little_gets_no_more_than_it_lost() -> None:
    desk = Desk()
    for name in ("ann", "bob"):
        await desk.hear(an_event(name))
    replica = desk.lists.replica()
    await desk.hear(an_event("cid"))
    desk.lists.fall_back_to(replica)
    await desk.look_after()
    assert await desk.redis() == {"ann": 0, "bob": 1, "cid": 2, EVERYONE: 2}


async def test_a_heartbeat_with_nothing_to_repair_writes_nothing() -> None:
    desk = Desk()
    await desk.hear(an_event())
    desk.lists.lose("ann")
    await desk.look_after()
    assert await desk.redis() == {EVERYONE: 0}


async def test_a_heartbeat_of_a_shard_that_does_not_make_everyones_list_publishes_nothing() -> None:
    desk = Desk(shard=1, shards=2)
    await desk.hear(*(an_event(f"listener-{at}") for at in range(8)))
    published = len(desk.topic.offered)
    await desk.look_after()
    assert EVERYONE not in desk.topic.as_of
    assert len(desk.topic.offered) == published


async def test_everyones_list_of_a_heartbeat_goes_out_with_a_frontier() -> None:
    desk = Desk()
    for at in range(3):
        await desk.hear(an_event(minute=at))
    await desk.look_after()
    assert desk.topic.as_of == {"ann": 2, EVERYONE: 2}
    assert desk.topic.offered[-1].frontier.position == (0, 2)


async def test_a_frontier_never_passes_lists_that_are_yet_to_be_made() -> None:
    desk, answer = Desk(), asyncio.Event()
    await desk.hear(an_event("bob"))
    desk.lists.flush()
    desk.lists.wait_for(answer)
    repair = asyncio.create_task(desk.look_after())  # it publishes while news come
    await asyncio.sleep(0.01)
    news = [asyncio.create_task(desk.hear(an_event(name))) for name in ("ann", "cid")]
    await asyncio.sleep(0.01)
    answer.set()
    await asyncio.gather(repair, *news)
    for name, at in (("ann", 1), ("cid", 2)):
        first = next(each for each in desk.topic.offered if each.frontier.position >= (0, at))
        assert name in {each.listener_id for each in first.lists}


async def test_everyones_list_is_made_again_now_and_then() -> None:
    desk = Desk()
    for at in range(FALLBACK_EVERY_RECORDS):
        await desk.hear(an_event(minute=at))
    assert desk.topic.as_of[EVERYONE] == 0
    await desk.hear(an_event(minute=999))
    assert desk.topic.as_of[EVERYONE] == FALLBACK_EVERY_RECORDS


async def test_a_large_repair_is_cut_and_moves_the_frontier_at_its_end() -> None:
    desk = Desk(Gate(opens_at=(0, 0), republish_after=-1), lists_max=2)
    await desk.hear(*(an_event(f"listener-{at}") for at in range(5)))
    assert [len(each.lists) for each in desk.topic.offered] == [3, 2, 1]
    assert [each.more_follow for each in desk.topic.offered] == [True, True, False]
    assert desk.topic.frontier == await desk.lists.frontier()
    assert desk.topic.frontier == Frontier(0, 0, "hash", serial=1, missing_after=-1)
    assert len(await desk.redis()) == 6


async def test_what_is_published_while_redis_is_asked_does_not_look_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    await desk.hear(an_event("ann"))

    async def slow_frontier() -> Frontier:
        found = await MemoryLists.frontier(desk.lists)
        await desk.hear(an_event("bob"))
        return found

    monkeypatch.setattr(desk.lists, "frontier", slow_frontier)
    await desk.look_after()
    made = [each.listener_id for offered in desk.topic.offered for each in offered.lists]
    assert [each for each in made if each != EVERYONE] == ["ann", "bob"]


async def test_a_redis_that_answers_and_takes_nothing_is_tried_less_and_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(list_writer, "PAUSE_FIRST_S", 600.0)
    desk = Desk()
    desk.lists.is_full = True
    await desk.hear(an_event("ann"))
    for _ in range(5):
        await desk.look_after()
    assert desk.lists.refused == 2


async def test_a_redis_that_was_full_gets_what_it_did_not_take() -> None:
    desk = Desk()
    desk.lists.is_full = True
    await desk.hear(an_event("ann"))
    desk.lists.is_full = False
    await desk.look_after()
    assert await desk.redis() == {"ann": 0, EVERYONE: 0}


# -- erasure -------------------------------------------------------------------------------------


async def test_an_erased_listeners_list_goes_from_both() -> None:
    desk = Desk()
    await desk.hear(an_event("ann"), an_event("bob"))
    await desk.hear(an_erasure("ann"))
    assert set(await desk.redis()) == set(desk.topic.as_of) == {"bob", EVERYONE}


async def test_a_play_and_an_erasure_in_one_chunk_leave_no_list() -> None:
    desk = Desk()
    await desk.hear_chunk([[an_event("ann")], [an_erasure("ann")]])
    assert set(await desk.redis()) == set(desk.topic.as_of) == {EVERYONE}


async def test_who_plays_again_after_an_erasure_of_the_same_chunk_has_a_list() -> None:
    desk = Desk()
    await desk.hear_chunk([[an_event("ann")], [an_erasure("ann")], [an_event("ann", minute=90)]])
    assert set(await desk.redis()) == set(desk.topic.as_of) == {"ann", EVERYONE}


async def test_an_erasure_while_redis_is_away_takes_the_list_when_it_is_back() -> None:
    desk = Desk()
    await desk.hear(an_event("ann"))
    desk.lists.is_away = True
    await desk.hear(an_erasure("ann"))
    desk.lists.is_away = False
    await desk.look_after()
    assert set(await desk.redis()) == {EVERYONE}


async def test_an_erasure_before_the_gate_opens_takes_what_is_left_of_the_list() -> None:
    desk = Desk(Gate(opens_at=(0, 2), republish_after=0))
    earlier = Desk()
    await earlier.hear(an_event("ann"))
    desk.lists.fall_back_to((earlier.lists.replica()[0], NOTHING_PUBLISHED))
    desk.topic.as_of = dict(earlier.topic.as_of)
    await desk.hear(an_event("ann"))
    await desk.hear(an_erasure("ann"))
    await desk.hear(an_event("bob"))
    assert set(await desk.redis()) == set(desk.topic.as_of) == {"bob", EVERYONE}


async def test_who_publishes_again_after_losing_the_log_removes_what_was_under_way() -> None:
    desk = Desk()
    await desk.hear(an_event("ann"))
    await desk.hear(an_erasure("ann"))
    regained = RememberedTopic()
    desk.publisher.shut(cast(TopicWriter, regained))
    desk.publisher.open_with(WIDE_OPEN)
    await desk.hear(an_event("bob"))
    assert [*map(list, (each.erased for each in regained.offered))] == [[], ["ann"]]


async def test_a_removal_that_redis_takes_after_the_log_was_lost_is_told_to_both_again() -> None:
    desk, answer = Desk(gate=None), asyncio.Event()
    await taken_over(desk)
    await desk.hear(an_event("ann"))
    desk.topic.commit()
    desk.lists.wait_for(answer)
    removal = asyncio.create_task(desk.hear(an_erasure("ann")))
    await asyncio.sleep(0.01)
    desk.topic.frontier = None  # what was offered is never committed
    desk.publisher.shut(cast(TopicWriter, desk.topic))
    answer.set()
    await removal
    await taken_over(desk)
    await desk.hear(an_event("bob"))
    assert desk.topic.offered[-1].erased == ["ann"]


async def test_a_redis_that_falls_back_behind_a_removal_between_owners_is_told_again() -> None:
    desk = Desk(gate=None)
    await taken_over(desk)
    await desk.hear(an_event("ann"))
    replica = desk.lists.replica()
    await desk.hear(an_erasure("ann"))
    desk.topic.commit()
    desk.publisher.shut(cast(TopicWriter, desk.topic))
    desk.lists.fall_back_to(replica)
    await taken_over(desk)
    await desk.hear(an_event("bob"))
    assert (await desk.redis()).keys() == {"bob", EVERYONE}


async def test_an_heir_removes_lists_of_whom_its_snapshot_has_forgotten() -> None:
    former = Desk(gate=None)
    await taken_over(former)
    for name in ("ann", "bob"):
        await former.hear(an_event(name))
        former.topic.commit()
    replica = former.lists.replica()
    await former.hear(an_erasure("ann"))
    former.topic.commit()
    heir = an_heir(former)
    heir.log = former.log
    heir.fold.apply_many(enumerate(former.log))  # its snapshot
    heir.fold.record_hash = "hash"
    heir.lists.fall_back_to(replica)
    await taken_over(heir)
    await heir.look_after()
    assert (await heir.redis()).keys() == {"bob", EVERYONE}
    assert heir.reads == [[2]]


async def test_lists_of_a_repair_do_not_wait_for_a_log_that_does_not_answer() -> None:
    desk = Desk()
    await desk.hear(an_event("ann"), an_event("eve"))
    await desk.hear(an_erasure("eve"))
    desk.log_answers.clear()
    desk.lists.flush()
    repair = asyncio.create_task(desk.look_after())
    await asyncio.sleep(0.01)
    assert await desk.redis() == {"ann": 1, EVERYONE: 1}
    assert (await desk.lists.frontier()).part == 1
    desk.log_answers.set()
    await repair
    assert (await desk.lists.frontier()).part == 0


async def test_who_loses_and_regains_the_log_while_it_is_read_does_not_go_on_as_who_it_was() -> (
    None
):
    desk = Desk(gate=None)
    await taken_over(desk)
    await desk.hear(an_event("ann"), an_event("eve"))
    await desk.hear(an_erasure("eve"))
    desk.log_answers.clear()
    desk.lists.flush()
    repair = asyncio.create_task(desk.look_after())
    await asyncio.sleep(0.01)
    regained = RememberedTopic()
    regained.published = Frontier(0, 1, serial=9, owner=2)
    desk.publisher.shut(cast(TopicWriter, regained))
    await taken_over(desk)
    desk.log_answers.set()
    await repair
    await desk.look_after()
    assert {each.frontier.owner for each in regained.offered} == {3}
    assert await desk.redis() == {"ann": 1, EVERYONE: 1}


async def test_who_came_back_after_an_erasure_keeps_the_new_list_in_a_repair() -> None:
    desk = Desk()
    await desk.hear(an_event("ann"))
    replica = desk.lists.replica()
    await desk.hear(an_erasure("ann"))
    await desk.hear(an_event("ann", minute=90))
    desk.lists.fall_back_to(replica)
    await desk.look_after()
    assert await desk.redis() == {"ann": 2, EVERYONE: 2}


async def test_where_nobody_was_ever_erased_the_log_is_not_asked() -> None:
    desk = Desk()
    await desk.hear(an_event("ann"))
    desk.lists.flush()
    await desk.look_after()
    assert await desk.redis() == {"ann": 0, EVERYONE: 0}
    assert desk.reads == []


# -- what the simulation found (docs/reliability.md) ---------------------------------------------


async def test_who_waits_for_a_publication_and_is_cancelled_does_not_take_it_along() -> None:
    desk, answer = Desk(), asyncio.Event()
    desk.lists.wait_for(answer)
    agent = asyncio.create_task(desk.hear(an_event("ann")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    agent.cancel()
    await asyncio.wait({agent})
    answer.set()
    await desk.publisher.redis.wait_until_written()
    assert await desk.redis() == {"ann": 0, EVERYONE: 0}


async def then_terminated(desk: Desk, agent: "asyncio.Task[None]", answer: asyncio.Event) -> Desk:
    """SIGTERM as Faust does it, agents first and heartbeats last; then an heir."""
    await asyncio.sleep(0.01)
    heartbeat = asyncio.create_task(desk.look_after())
    await asyncio.sleep(0.01)
    agent.cancel()
    await asyncio.sleep(0.01)
    answer.set()
    await heartbeat
    await desk.publisher.redis.wait_until_written()
    desk.topic.commit()
    heir = an_heir(desk)
    heir.log = desk.log
    heir.fold.apply_many(enumerate(desk.log))
    heir.fold.record_hash = "hash"
    await taken_over(heir)
    await heir.look_after()
    return heir


async def test_what_a_cancelled_agent_was_about_to_publish_no_heartbeat_declares_published() -> (
    None
):
    desk, answer = Desk(gate=None), asyncio.Event()
    await taken_over(desk)
    await desk.hear(an_event("ann"))
    desk.lists.wait_for(answer)
    slow = asyncio.create_task(desk.hear(an_event("bob")))
    await asyncio.sleep(0.01)
    agent = asyncio.create_task(desk.hear(an_event("ann", minute=9)))
    heir = await then_terminated(desk, agent, answer)
    await slow
    assert await heir.redis() == {"ann": 2, "bob": 1, EVERYONE: 2}


async def test_whom_a_cancelled_agent_was_about_to_remove_its_heir_removes() -> None:
    desk, answer = Desk(gate=None, lists_max=1), asyncio.Event()
    await taken_over(desk)
    for name in ("ann", "bob"):
        await desk.hear(an_event(name))
    desk.topic.commit()
    desk.lists.wait_for(answer)
    chunk = [[an_erasure("ann")], [an_event("bob", minute=9)], [an_event("cid")]]
    agent = asyncio.create_task(desk.hear_chunk(chunk))
    heir = await then_terminated(desk, agent, answer)
    assert await heir.redis() == {"bob": 4, "cid": 4, EVERYONE: 4}


async def test_of_a_state_that_an_error_left_half_changed_nothing_is_published() -> None:
    desk = Desk()
    await desk.hear(an_event("ann"))
    before, offered = await desk.redis(), len(desk.topic.offered)
    bob, _, cid = (desk.a_record([an_event(name)]) for name in ("bob", "ann", "cid"))
    with pytest.raises(LogError, match="learning-log has no record 2; the next one is 3"):
        desk.publisher.learn([(1, bob), (3, cid)], "hash")
    await desk.look_after()
    assert (await desk.redis(), len(desk.topic.offered)) == (before, offered)


async def test_a_redis_emptied_before_what_is_under_way_arrives_gets_every_list() -> None:
    desk, answers = Desk(), [asyncio.Event(), asyncio.Event()]
    desk.lists.wait_for(*answers)
    news = [asyncio.create_task(desk.hear(an_event(name))) for name in ("ann", "bob")]
    await asyncio.sleep(0.01)
    answers[0].set()
    await asyncio.sleep(0.01)
    desk.lists.flush()
    answers[1].set()
    await asyncio.gather(*news)
    await desk.look_after()
    assert (await desk.redis()).keys() == {"ann", "bob", EVERYONE}


async def test_a_repair_is_told_of_until_both_are_known_to_have_it() -> None:
    desk = Desk()
    for name in ("ann", "bob"):
        await desk.hear(an_event(name))
    desk.topic.commit()
    desk.lists.flush()
    await desk.look_after()
    await desk.hear(an_event("cid"))
    frontier = await desk.lists.frontier()
    assert (frontier.agreed, frontier.missing_after) == (2, -1)
    desk.topic.commit()
    await desk.hear(an_event("dan"))
    frontier = await desk.lists.frontier()
    assert (frontier.agreed, frontier.missing_after) == (4, None)


async def test_what_the_topic_got_anew_while_redis_was_away_is_owed_to_redis() -> None:
    desk = Desk()
    for name in ("ann", "bob"):
        await desk.hear(an_event(name))
    desk.lists.is_away = True
    desk.publisher.open_with(WIDE_OPEN)  # every list is due again
    await desk.hear(an_event("cid"))
    desk.lists.is_away = False
    await desk.look_after()
    assert await desk.redis() == desk.topic.as_of
    assert (await desk.redis())["ann"] == 2


# -- owners --------------------------------------------------------------------------------------


async def taken_over(desk: Desk) -> tuple[Frontier, Frontier]:
    """What an owner does before its gate is set, and then with the gate between both stores."""
    found = await claim_stores(desk.publisher, 0.0)
    desk.publisher.open_with(gate_between(*found, desk.fold.log_epoch))
    return found


async def test_a_redis_that_was_waited_for_is_not_taken_for_one_that_fell_back() -> None:
    desk = Desk(gate=None)
    desk.lists.is_away = True
    taking = asyncio.create_task(taken_over(desk))
    await asyncio.sleep(0.05)
    assert desk.publisher.redis.error == "ConnectionError: away"
    desk.lists.is_away = False
    await taking
    assert desk.publisher.redis.error is None


async def test_each_owner_has_a_number_of_its_own_in_both_stores() -> None:
    desk = Desk(gate=None)
    assert await taken_over(desk) == (NOTHING_PUBLISHED, NOTHING_PUBLISHED)
    await desk.hear(an_event("ann"))
    desk.topic.commit()
    assert (await desk.lists.frontier()).owner == desk.topic.published.owner == 1
    redis, topic = await taken_over(desk)
    assert (redis.owner, topic.owner) == (1, 1)
    assert (await desk.lists.frontier()).owner == desk.topic.published.owner == 2


async def test_a_redis_that_knows_later_owners_than_the_topic_is_taken_over_all_the_same() -> None:
    desk = Desk(gate=None)
    desk.lists.fall_back_to(({}, Frontier(0, 0, "hash", serial=7, owner=9)))
    await taken_over(desk)
    await desk.hear(an_event("ann"))
    assert (await desk.lists.frontier()).owner == desk.topic.published.owner == 10


async def test_who_finds_that_another_one_has_taken_over_publishes_no_more() -> None:
    elder = Desk(gate=None)
    younger = an_heir(elder, RememberedTopic())
    younger.topic.published = Frontier(-1, -1, owner=1)
    await taken_over(elder)
    await elder.hear(an_event("ann"))
    await taken_over(younger)
    await younger.hear(an_event("ann"), an_event("bob"))
    found, lists = await elder.lists.frontier(), await elder.redis()
    await elder.hear(an_event("ann", minute=9))
    assert elder.topic.is_fenced
    with pytest.raises(LogError):
        await elder.hear(an_event("ann", minute=12))
    assert (await elder.lists.frontier(), await elder.redis()) == (found, lists)


async def test_who_comes_too_late_to_claim_redis_publishes_nothing() -> None:
    desk = Desk(gate=None)
    claim = desk.topic.claim

    def slowly(owner: int) -> None:
        claim(owner)
        desk.lists.fall_back_to(({}, Frontier(0, 0, "hash", serial=3, owner=owner + 1)))

    desk.topic.claim = slowly  # type: ignore[method-assign]
    with pytest.raises(LogError):
        await taken_over(desk)


async def test_a_redis_that_falls_back_behind_its_owner_gets_every_list() -> None:
    desk = Desk(gate=None)
    await taken_over(desk)
    for name in ("ann", "bob"):
        await desk.hear(an_event(name))
    desk.topic.commit()
    replica = desk.lists.replica()
    await taken_over(desk)
    await desk.hear(an_event("cid"))
    desk.lists.fall_back_to(replica)
    await desk.look_after()
    assert await desk.redis() == {"ann": 2, "bob": 2, "cid": 2, EVERYONE: 2}


async def test_a_redis_that_fell_back_behind_an_owner_who_is_gone_gets_every_list() -> None:
    desk = Desk(gate=None)
    await taken_over(desk)
    await desk.hear(an_event("ann"))
    desk.topic.commit()
    replica = desk.lists.replica()
    await taken_over(desk)
    await desk.hear(an_event("bob"))
    desk.topic.commit()
    desk.lists.fall_back_to(replica)
    for _ in range(2):  # also for the heir of one who died before it published
        found = await claim_stores(desk.publisher, 0.0)
        assert gate_between(*found, 0).republish_after == -1


async def test_lists_of_a_publication_that_was_cut_short_are_no_newer_than_what_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(gate=None, lists_max=1)
    await taken_over(desk)
    await desk.hear(an_event("ann"))
    desk.topic.commit()
    publish = desk.lists.publish

    async def once(publication: Publication, since: Frontier) -> PublishOutcome:
        desk.lists.is_away = True
        return await MemoryLists.publish(desk.lists, publication, since)

    monkeypatch.setattr(desk.lists, "publish", once)
    await desk.hear(an_event("bob"), an_event("cid"))
    monkeypatch.setattr(desk.lists, "publish", publish)
    desk.lists.is_away = False
    redis, topic = await claim_stores(desk.publisher, 0.0)
    assert gate_between(redis, topic, 0) == Gate(opens_at=(0, 1), republish_after=0)


# -- what else the simulation found --------------------------------------------------------------


async def test_a_redis_that_falls_back_while_lists_are_made_gets_what_it_lacks_with_them() -> None:
    desk, answer = Desk(), asyncio.Event()
    for name in ("ann", "bob"):
        await desk.hear(an_event(name))
    desk.lists.wait_for(answer)
    desk.lists.flush()
    news = [asyncio.create_task(desk.hear(an_event(name))) for name in ("cid", "dan")]
    await asyncio.sleep(0.01)
    answer.set()
    await asyncio.gather(*news)
    assert (await desk.redis()).keys() == {"ann", "bob", "cid", "dan", EVERYONE}


async def test_a_redis_that_falls_back_behind_a_removal_is_told_of_it_again() -> None:
    desk = Desk()
    await desk.hear(an_event("ann"))
    replica = desk.lists.replica()
    await desk.hear(an_erasure("ann"))
    desk.topic.commit()
    desk.lists.fall_back_to(replica)
    await desk.look_after()
    assert (await desk.redis()).keys() == {EVERYONE}


async def test_a_redis_that_falls_back_to_the_same_place_gets_what_came_since() -> None:
    desk = Desk()
    await desk.hear(an_event("ann"))
    await desk.hear(an_event("bob"))
    replica = desk.lists.replica()
    desk.lists.flush()
    await desk.look_after()  # all lists anew, as of the same record
    desk.lists.fall_back_to(replica)
    await desk.look_after()
    assert await desk.redis() == desk.topic.as_of


async def test_a_redis_that_falls_back_behind_a_repair_gets_it_again() -> None:
    desk = Desk()
    for name in ("ann", "bob"):
        await desk.hear(an_event(name))
    replica = desk.lists.replica()
    desk.lists.flush()
    await desk.look_after()
    await desk.hear(an_event("cid"))
    desk.lists.fall_back_to(replica)
    await desk.look_after()
    redis = await desk.redis()
    assert {redis[name] for name in ("ann", "bob", "cid")} == {2}
    assert redis == desk.topic.as_of


async def test_whoever_was_fenced_and_whose_fence_redis_lost_repairs_nothing() -> None:
    desk = Desk()
    await desk.hear(an_event("ann"))
    desk.lists.fall_back_to(FrailLists().replica())
    desk.topic.is_fenced_in_kafka = True  # by a recommender of another M, while this was frozen
    await desk.look_after()  # raises nothing: the next heartbeat asks the topic
    await desk.hear(an_event("bob"))
    assert await desk.redis() == {}
    with pytest.raises(LogError):
        desk.topic.check()


async def test_whoever_is_refused_by_a_redis_that_lost_data_learns_that_it_was_fenced() -> None:
    desk = Desk(lists_max=1)
    await desk.hear(an_event("ann"))
    desk.lists.fall_back_to(FrailLists().replica())
    desk.topic.is_fenced_in_kafka = True
    with pytest.raises(LogError):
        await desk.hear(an_event("bob"), an_event("cid"))
    assert await desk.redis() == {}


async def test_kafka_is_asked_who_the_owner_is_once_for_each_time_that_redis_lost_data() -> None:
    desk = Desk(lists_max=1)
    empty = FrailLists().replica()
    await desk.hear(an_event("ann"))
    asked = desk.topic.proofs
    for times in (1, 2):
        await desk.hear(an_event("bob"))
        desk.lists.fall_back_to(empty)
        await desk.look_after()
        assert desk.topic.proofs == asked + times
        assert set(await desk.redis()) == {"ann", "bob", EVERYONE}


async def test_who_lets_go_of_the_log_while_kafka_is_asked_leaves_the_next_ownership_alone() -> (
    None
):
    desk, renewed = Desk(), RememberedTopic()
    await desk.hear(an_event("ann"))
    desk.lists.fall_back_to(FrailLists().replica())

    async def lose_meanwhile() -> None:
        desk.publisher.shut(cast(TopicWriter, renewed))
        desk.publisher.open_with(Gate((0, 0), -1))
        raise LogError("abandoned", "")

    desk.topic.prove = lose_meanwhile  # type: ignore[method-assign]
    await desk.look_after()
    assert desk.publisher.is_open
    assert renewed.proofs == 1
    assert set(await desk.redis()) == {"ann", EVERYONE}
