"""Publishes what changed to Redis and to the topic, and repairs what one of them lost.

Nothing is published before the gate is open (see `streams.lists.frontier`). Publications are one
sequence, and each says behind which one it belongs: Redis takes it only there. While Redis is away
lists are still learnt and still go to the topic; when it is back, or when it turns out to have
forgotten (flushed, failed over), every list that it lacks is published again, to both. So are the
removals of erased listeners: whom the log erased after the place that a store has reached.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import structlog
from numpy.typing import NDArray

from streams.folding.fold import Changed, Fold
from streams.lists.frontier import NOTHING_PUBLISHED, Frontier, Gate, Reached, published_since
from streams.lists.list_maker import ListMaker
from streams.lists.list_store import ListStore, Publication, PublishOutcome
from streams.ownership.takeover import take_over
from streams.publishing.freshness import Freshness
from streams.publishing.list_writer import ListWriter
from streams.publishing.removals import ErasedAt
from streams.publishing.repairs import Repairs
from streams.publishing.topic_writer import TopicWriter
from topics.recommendation_list import RecommendationList

_log = structlog.get_logger(__name__)
EVERYONE_EVERY_RECORDS = 50
"""How often, in log records, the fallback list is made again; at every heartbeat, too."""
LISTS_A_PUBLICATION_MAX = 2_000
"""Repairs are cut into pieces of this many lists."""
_NOBODY = np.empty(0, np.int32)


class Publisher:
    """Publishes the lists of one recommender; `gate` is None until both frontiers are known."""

    def __init__(
        self,
        fold: Fold,
        maker: ListMaker,
        lists: ListStore,
        topic: TopicWriter,
        erased_at: ErasedAt,
        *,
        made_by: str = "",
        lists_a_publication_max: int = LISTS_A_PUBLICATION_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fold = fold
        self._lists_max = lists_a_publication_max
        self._maker = maker
        self._made_by = made_by
        self._topic = topic
        self._repair_after: int | None = None
        self._repairs = Repairs(owner=0)
        self._waiting: list[Changed] = []
        self._erased_at = erased_at
        self._erased: set[str] = set()
        self._serial = 0
        self._in_order = asyncio.Lock()
        self._everyone_at = -EVERYONE_EVERY_RECORDS
        self.gate: Gate | None = None
        self.redis = ListWriter(lists, clock=clock)
        self.freshness = Freshness()

    @property
    def is_open(self) -> bool:
        """Whether lists may be published at the state's place in the log."""
        return self.gate is not None and self.gate.is_open(self._fold.log_epoch, self._fold.offset)

    async def take_over(self, retry_s: float) -> tuple[Frontier, Frontier]:
        """Becomes the one who publishes; returns up to where Redis and the topic were."""
        await self.redis.settled()
        taken = await take_over(self.redis, self._topic, retry_s)
        self._repairs = Repairs(taken.owner)
        return taken.redis, taken.topic

    def open_with(self, gate: Gate, former: Sequence[Reached] = ()) -> None:
        """Sets the gate; once it is open, what changed after `republish_after` goes out first.

        So does every list where some were made by another configuration, be it by a former shard.
        """
        told = Reached(self.redis.frontier or NOTHING_PUBLISHED, self._topic.published)
        stores = [told, *published_since(told, former)]
        if any(at.made_by != self._made_by for each in stores for at in each):
            gate = gate._replace(republish_after=-1)
        self.gate = gate
        self._serial = max(self._serial, *(each.serial for each in told))
        self._repair_after = gate.republish_after
        self._everyone_at = -EVERYONE_EVERY_RECORDS

    def shut(self, topic: TopicWriter) -> None:
        """Publishes nothing until the gate is set again; from then on to `topic`."""
        self._topic = topic
        self.gate = self._repair_after = self.redis.frontier = None

    async def publish(self, change: Changed) -> None:
        """Publishes the lists that `change` changed as of the last folded record.

        Must be called before anything else is awaited since the fold returned `change`. Lists of
        erased listeners are removed as soon as they can be.
        """
        self._waiting.append(change)
        self._erased |= set(change.erased)
        async with self._in_order:
            await self._publish_or_shut()

    async def _publish_or_shut(self) -> None:
        """Publishes, and shuts the gate if that is stopped in its middle, as SIGTERM does.

        The next publication would say that both stores have what this one was about to tell.
        """
        try:
            await self._publish()
        except BaseException:
            self.gate = None
            raise

    async def _publish(self) -> None:
        """Publishes all that changed up to the state's place in the log; needs `_in_order`."""
        waiting = self._news()
        if not self.is_open or self._fold.offset < 0:
            return
        frontier, repair_after = self._fold.frontier, self._repair_after
        lists, own = self._piece(self._maker.own(self._changed(waiting, repair_after)))
        lists += self._everyone()
        await self.redis.settled()
        if self._repair_after != repair_after:  # what was under way found that Redis fell back
            self._waiting = waiting + self._waiting
            await self._publish()
            return
        self._repair_after = None
        frontier = self._numbered(frontier, repair_after)
        erasures = [] if repair_after is None else self._fold.erasures.after(repair_after)
        while len(own) or erasures:
            await self._send(Publication(lists, (), frontier, more_follow=True))
            if not len(own) and self._is_still(frontier.owner):
                self._erased |= await self._erased_at(erasures)
                erasures = []
            if not self._is_still(frontier.owner):  # whoever opens the gate again makes the rest
                return
            news = self._news()
            waiting += news
            own = np.union1d(own, self._maker.own(self._changed(news, None)))
            frontier = frontier.moved_to(self._fold.frontier)
            lists, own = self._piece(own)
        appended_at = [at for change in waiting for at in change.appended_at.tolist()]
        removed, self._erased = sorted(filter(self._is_gone, self._erased)), set()
        await self._send(Publication(lists, removed, frontier), appended_at)

    def _is_still(self, owner: int) -> bool:
        """Whether this publishes as that owner, and has neither lost the log nor regained it."""
        return self.gate is not None and self._repairs.owner == owner

    def _news(self) -> list[Changed]:
        """All that changed since this was asked last; with it the state's place is reached."""
        news, self._waiting = self._waiting, []
        return news

    def _numbered(self, frontier: Frontier, repair_after: int | None) -> Frontier:
        """The next publication's frontier, which says what it has that one store may lack."""
        self._serial += 1
        if repair_after is not None:
            self._repairs.note(self._serial, repair_after)
        redis = self.redis.frontier or NOTHING_PUBLISHED
        agreed = min(redis.serial, self._topic.published.serial)
        return frontier._replace(
            serial=self._serial,
            owed_after=self._repairs.since(agreed),
            owner=self._repairs.owner,
            agreed=agreed,
            made_by=self._made_by,
        )

    def _piece(self, own: NDArray[np.int32]) -> tuple[list[RecommendationList], NDArray[np.int32]]:
        """The lists of a publication, and whose lists are left for the next one."""
        return self._maker.lists(own[: self._lists_max]), own[self._lists_max :]

    def _changed(self, waiting: Sequence[Changed], repair_after: int | None) -> NDArray[np.int32]:
        """Whose lists are due: in a repair nobody's that changed before it, which both stores have.

        Made anew in passing, they would not be owed to the store that this publication may miss.
        """
        if repair_after is not None:
            return self._fold.changed_after(repair_after)
        return np.unique(np.concatenate([_NOBODY, *(change.listeners for change in waiting)]))

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
        await self.redis.settled()
        if self.gate is not None and self._repair_after is None:  # else Redis gets more than these
            self.redis.write(publication, partial(self._written, publication, appended_at))

    def _written(
        self, publication: Publication, appended_at: Sequence[int], outcome: PublishOutcome
    ) -> None:
        if self.gate is None:  # shut meanwhile: the topic may never get what Redis took
            return
        if not outcome.is_taken:
            self._repair_from(outcome.frontier)
            return
        self.redis.frontier = outcome.frontier
        self.freshness.note(appended_at)

    def _repair_from(self, found: Frontier) -> None:
        assert self.gate is not None
        if found.owner > self._repairs.owner:
            self._topic.fence()
            return
        lacks_after = self._repairs.lacking(found)
        if found.log_epoch != self._fold.log_epoch:
            lacks_after = -1
        if self._repair_after is not None:
            lacks_after = min(lacks_after, self._repair_after)
        self._repair_after = lacks_after
        self._everyone_at = -EVERYONE_EVERY_RECORDS
        self.redis.frontier = found
        self.gate = self.gate._replace(opens_at=max(self.gate.opens_at, found.position))
        _log.warning("redis is behind; lists are published again", after=lacks_after)

    async def look_after(self) -> None:
        """Repairs Redis if its frontier is behind ours; keeps everyone's list fresh.

        Called at every heartbeat.
        """
        known = self.redis.frontier  # what is published while Redis is asked moves it on
        found = await self.redis.look()
        if found is None:
            return
        async with self._in_order:
            await self.redis.settled()
            was_away, self.redis.error = self.redis.error is not None, None
            if self.gate is None:  # shut meanwhile: whoever opens it again asks anew
                return
            if was_away or (known and found.order < known.order):
                self._repair_from(found)
            if self._is_due():
                self._everyone_at = -EVERYONE_EVERY_RECORDS
                await self._publish_or_shut()

    def _is_due(self) -> bool:
        """Whether there is something to publish, though no event has come."""
        is_stale = self._maker.owns_everyones and self._everyone_at < self._fold.offset
        return self._repair_after is not None or is_stale
