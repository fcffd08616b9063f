"""Publishes what changed to Redis and to the topic, and repairs what one of them lost.

Nothing is published before the gate is open (see `streams.frontier`). Publications are one
sequence, and each says behind which one it belongs: Redis takes it only there. While Redis is away
lists are still learnt and still go to the topic; when it is back, or when it turns out to have
forgotten (flushed, failed over), every list that it lacks is published again, to both.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from streams.fold import Changed, Fold
from streams.freshness import Freshness
from streams.frontier import (
    NOTHING_PUBLISHED,
    UNKNOWN_SERIAL,
    Frontier,
    Gate,
    fell_behind,
)
from streams.list_making import ListMaker
from streams.redis_client import REDIS_AWAY
from streams.removals import Removals
from streams.repairs import Repairs
from streams.stores.lists import ListStore, Publication
from streams.topic_lists import TopicLists
from topics.recommendation_list import RecommendationList

_log = structlog.get_logger(__name__)
EVERYONE_EVERY_RECORDS = 50
"""How often, in log records, the fallback list is made again; at every heartbeat, too."""
PAUSE_FIRST_S = 0.5
PAUSE_MAX_S = 30.0
"""Pauses between attempts with a Redis that answers and takes nothing (full, or a replica)."""
LISTS_A_PUBLICATION_MAX = 2_000
"""Repairs are cut into pieces of this many lists."""
_NOBODY = np.empty(0, np.int32)

T = TypeVar("T")


class Publisher:
    """Publishes the lists of one recommender; `gate` is None until both frontiers are known."""

    def __init__(
        self,
        fold: Fold,
        maker: ListMaker,
        lists: ListStore,
        topic: TopicLists,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fold = fold
        self._maker = maker
        self._lists = lists
        self._topic = topic
        self._clock = clock
        self._writing: asyncio.Task[None] | None = None
        self._repair_after: int | None = None
        self._repairs = Repairs(owner=0)
        self._waiting: list[Changed] = []
        self._removals = Removals()
        self._serial = 0
        self._in_order = asyncio.Lock()
        self._everyone_at = -EVERYONE_EVERY_RECORDS
        self.gate: Gate | None = None
        self.redis_frontier: Frontier | None = None
        self.redis_error: str | None = None
        self._pause_s = 0.0
        self._try_again_at = 0.0
        self.freshness = Freshness()

    @property
    def is_open(self) -> bool:
        """Whether lists may be published at the state's place in the log."""
        return self.gate is not None and self.gate.is_open(self._fold.log_epoch, self._fold.offset)

    @property
    def owes_removals(self) -> bool:
        """Whether somebody was erased whose list Redis or the topic may still hold.

        Up to where both stood when this began to publish, they have done it.
        """
        if self.gate is not None and self._fold.offset <= self.gate.republish_after:
            return False
        self._removals.done(self._topic.published)
        return bool(self._removals)

    async def take_over(self, retry_s: float) -> tuple[Frontier, Frontier]:
        """Claims the topic, then Redis, however long that takes; returns up to where they were.

        Whoever published for this identity before is fenced in the topic, and by the new owner's
        number in Redis.
        """
        await self.settled()
        topic = await asyncio.to_thread(self._topic.open)
        redis = await self._asked(self._lists.frontier, retry_s)
        owner = 1 + max(redis.owner, topic.owner)
        await asyncio.to_thread(self._topic.claim, owner)
        self._repairs = Repairs(owner)
        return await self._asked(partial(self._claim, topic), retry_s), topic

    async def _claim(self, topic: Frontier) -> Frontier:
        owner = self._repairs.owner
        while True:
            redis = await self._lists.frontier()
            self._check_owner(redis)
            claimed = redis._replace(owner=owner)
            if fell_behind(redis, topic):
                claimed = claimed._replace(serial=UNKNOWN_SERIAL)
            outcome = await self._lists.publish(Publication((), (), claimed, since=redis))
            if outcome.is_taken:
                self.redis_frontier = claimed
                return redis

    def _check_owner(self, redis: Frontier) -> None:
        """Raises as `TopicLists.check` does where Redis knows a later owner."""
        if redis.owner > self._repairs.owner:
            self._topic.fence()
        self._topic.check()

    async def silence(self, shards: Sequence[str], retry_s: float) -> list[Frontier]:
        """Takes Redis from shards (`iofM`) of another M; returns up to where they published."""
        return [await self._asked(partial(self._lists.silence, each), retry_s) for each in shards]

    async def _asked(self, ask: Callable[[], Awaitable[T]], retry_s: float) -> T:
        while True:
            try:
                return await ask()
            except REDIS_AWAY as error:
                self._redis_is_away(error)
                await asyncio.sleep(retry_s)

    def open_with(self, gate: Gate) -> None:
        """Sets the gate; once it is open, what changed after `republish_after` goes out first."""
        self.gate = gate
        told = (self.redis_frontier or NOTHING_PUBLISHED, self._topic.published)
        self._serial = max(self._serial, *(each.serial for each in told))
        self._repair_after = gate.republish_after
        self._everyone_at = -EVERYONE_EVERY_RECORDS

    def shut(self, topic: TopicLists) -> None:
        """Publishes nothing until the gate is set again; from then on to `topic`."""
        self._topic = topic
        self.gate = self.redis_frontier = self._repair_after = None
        self._removals.begin_again()

    async def publish(self, change: Changed) -> None:
        """Publishes the lists that `change` changed as of the last folded record.

        Must be called before anything else is awaited since the fold returned `change`. Lists of
        erased listeners are removed as soon as they can be.
        """
        self._waiting.append(change)
        self._removals.owe(change.erased)
        async with self._in_order:
            await self._publish()

    async def _publish(self) -> None:
        """Publishes all that changed up to the state's place in the log; needs `_in_order`."""
        waiting = self._news()
        if not self.is_open or self._fold.offset < 0:
            return
        frontier, repair_after = self._fold.frontier, self._repair_after
        lists, own = self._piece(self._maker.own(self._changed(waiting, repair_after)))
        lists += self._everyone()
        await self.settled()
        if self._repair_after != repair_after:  # what was under way found that Redis fell back
            self._waiting = waiting + self._waiting
            await self._publish()
            return
        self._repair_after = None
        frontier = self._numbered(frontier, repair_after)
        while len(own):
            await self._send(Publication(lists, (), frontier, more_follow=True))
            news = self._news()
            waiting += news
            own = np.union1d(own, self._maker.own(self._changed(news, None)))
            frontier = frontier.moved_to(self._fold.frontier)
            lists, own = self._piece(own)
        appended_at = [at for change in waiting for at in change.appended_at.tolist()]
        removed = self._removals.due(self._is_gone)
        await self._send(Publication(lists, removed, frontier), appended_at)

    def _news(self) -> list[Changed]:
        """All that changed since this was asked last; with it the state's place is reached."""
        news, self._waiting = self._waiting, []
        return news

    def _numbered(self, frontier: Frontier, repair_after: int | None) -> Frontier:
        """The next publication's frontier, which says what it has that one store may lack."""
        self._serial += 1
        if repair_after is not None:
            self._repairs.note(self._serial, repair_after)
        redis = self.redis_frontier or NOTHING_PUBLISHED
        agreed = min(redis.serial, self._topic.published.serial)
        return frontier._replace(
            serial=self._serial,
            owed_after=self._repairs.since(agreed),
            owner=self._repairs.owner,
            agreed=agreed,
        )

    def _piece(self, own: NDArray[np.int32]) -> tuple[list[RecommendationList], NDArray[np.int32]]:
        """The lists of a publication, and whose lists are left for the next one."""
        return self._maker.lists(own[:LISTS_A_PUBLICATION_MAX]), own[LISTS_A_PUBLICATION_MAX:]

    def _changed(self, waiting: Sequence[Changed], repair_after: int | None) -> NDArray[np.int32]:
        changed = [change.listeners for change in waiting]
        if repair_after is not None:
            changed.append(self._fold.changed_after(repair_after))
        return np.unique(np.concatenate([_NOBODY, *changed]))

    def _is_gone(self, listener_id: str) -> bool:
        is_back = self._fold.listeners.code(listener_id) >= 0
        return self._maker.owns(listener_id) and not is_back

    def _everyone(self) -> list[RecommendationList]:
        is_due = self._fold.offset - self._everyone_at >= EVERYONE_EVERY_RECORDS
        if not self._maker.owns_everyones or not is_due:
            return []
        self._everyone_at = self._fold.offset
        return [self._maker.everyones()]

    async def _send(self, publication: Publication, appended_at: Sequence[int] = ()) -> None:
        if self.gate is None:  # shut meanwhile
            return
        self._topic.offer(publication)
        await self.settled()
        if self.gate is not None and self._repair_after is None:  # else Redis gets more than these
            since = self.redis_frontier or NOTHING_PUBLISHED
            write = self._write(publication._replace(since=since), appended_at)
            self._writing = asyncio.create_task(write)

    async def settled(self) -> None:
        """Waits until the publication under way has reached Redis, or has failed to.

        Who waits may be cancelled, as an agent is when its worker ends: the publication is not.
        """
        if self._writing is not None:
            await asyncio.shield(self._writing)

    async def _write(self, publication: Publication, appended_at: Sequence[int]) -> None:
        if self.redis_error is not None:
            return
        try:
            outcome = await self._lists.publish(publication)
        except REDIS_AWAY as error:
            self._redis_is_away(error)
            return
        self._pause_s = 0.0
        if not outcome.is_taken:
            self._repair_from(outcome.frontier)
            return
        if self.gate is None:  # shut meanwhile: the topic may never get what Redis took
            return
        self.redis_frontier = outcome.frontier
        self._removals.told(publication.erased, publication.frontier)
        self.freshness.note(appended_at)

    def _redis_is_away(self, error: BaseException) -> None:
        if self.redis_error is not None:  # it was said
            return
        self.redis_error = f"{type(error).__name__}: {error}"
        self._try_again_at = self._clock() + self._pause_s
        self._pause_s = min(max(2 * self._pause_s, PAUSE_FIRST_S), PAUSE_MAX_S)
        _log.warning("redis is away; learning goes on, lists follow", error=self.redis_error)

    def _repair_from(self, found: Frontier) -> None:
        if self.gate is None:  # shut meanwhile: whoever opens it again asks anew
            return
        if found.owner > self._repairs.owner:
            self._topic.fence()
            return
        lacks_after = self._repairs.lacking(found)
        if found.log_epoch != self._fold.log_epoch:
            lacks_after = -1
        if self._repair_after is not None:
            lacks_after = min(lacks_after, self._repair_after)
        self._repair_after = lacks_after
        self._removals.undone(found)
        self._everyone_at = -EVERYONE_EVERY_RECORDS
        self.redis_frontier = found
        self.gate = self.gate._replace(opens_at=max(self.gate.opens_at, found.position))
        _log.warning("redis is behind; lists are published again", after=lacks_after)

    async def look_after(self) -> None:
        """Repairs Redis if its frontier is behind ours; keeps everyone's list fresh.

        Called at every heartbeat.
        """
        if self.redis_error is not None and self._clock() < self._try_again_at:
            return
        known = self.redis_frontier  # what is published while Redis is asked moves it on
        try:
            found = await self._lists.frontier()
        except REDIS_AWAY as error:
            self._redis_is_away(error)
            return
        async with self._in_order:
            await self.settled()
            was_away, self.redis_error = self.redis_error is not None, None
            if was_away or (known and found.order < known.order):
                self._repair_from(found)
            if self._is_due():
                self._everyone_at = -EVERYONE_EVERY_RECORDS
                await self._publish()

    def _is_due(self) -> bool:
        """Whether there is something to publish, though no event has come."""
        return self._repair_after is not None or self._everyone_at < self._fold.offset
