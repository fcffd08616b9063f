"""Publishes changed lists to Redis and to the topic, and repairs a Redis that lost data.

`publication_plan` decides, and this module does the I/O: it ranks the lists of a draft, waits until
the previous part is written to Redis, offers the part to the topic, writes it to Redis, and passes
the answer to the plan. While Redis is unavailable, learning and the topic continue. When Redis is
available again, or is found to have lost data (it was flushed or failed over), every list that it
is missing is published again to both stores. Before that, Kafka has to show that this process is
still the owner: what Redis lost may be the number of a later one, which fenced it. The removals of
erased listeners are also published again; the log has the erasures after the position that a store
has reached.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import structlog

from streams.folding.fold import Changed, Fold
from streams.lists.frontier import Frontier
from streams.lists.list_maker import ListMaker
from streams.lists.list_store import ListStore, Publication, PublishOutcome
from streams.publishing.freshness import Freshness
from streams.publishing.gate import Gate, StoreFrontiers
from streams.publishing.list_writer import ListWriter
from streams.publishing.publication_plan import (
    LISTS_A_PUBLICATION_MAX,
    Behind,
    Draft,
    LaterOwner,
    Part,
    PublicationPlan,
)
from streams.publishing.removals import ErasedAt
from streams.publishing.topic_writer import TopicWriter
from topics.errors import LogError
from topics.learning_log import LogRecord

_log = structlog.get_logger(__name__)


class Publisher:
    """Publishes the lists of one recommender as soon as the gate that `open_with` sets is open."""

    def __init__(
        self,
        fold: Fold,
        maker: ListMaker,
        lists: ListStore,
        topic: TopicWriter,
        erased_ids_at: ErasedAt,
        *,
        made_by: str = "",
        lists_a_publication_max: int = LISTS_A_PUBLICATION_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fold = fold
        self._maker = maker
        self._erased_ids_at = erased_ids_at
        self._plan = PublicationPlan(maker, made_by=made_by, lists_max=lists_a_publication_max)
        self._in_order = asyncio.Lock()
        self._must_prove = False
        """Whether Redis lost data, perhaps with what fenced this process there."""
        self.topic: TopicWriter = topic
        self.redis = ListWriter(lists, clock=clock)
        self.freshness = Freshness()

    # -- ownership and gate ------------------------------------------------------------------

    @property
    def gate(self) -> Gate | None:
        """The condition for publishing; None until the frontiers of both stores are known."""
        return self._plan.gate

    @property
    def is_open(self) -> bool:
        """Whether lists may be published at the state's log position."""
        return self._plan.is_open

    def owns(self, listener_id: str) -> bool:
        """Whether this publisher makes the listener's list."""
        return self._maker.owns(listener_id)

    @property
    def is_due(self) -> bool:
        """Whether a repair or the fallback list is due."""
        return self._plan.is_due

    def owned(self, owner: int, redis_at: Frontier) -> None:
        """Both stores have the number of this process, `owner`; Redis is at `redis_at`."""
        self._must_prove = False
        self._plan.owned(owner, redis_at)

    def open_with(self, gate: Gate, former: Sequence[StoreFrontiers] = ()) -> None:
        """Sets the gate; see `PublicationPlan.opened`."""
        self._plan.opened(gate, self.topic.published, former)

    def sweep(self, listener_ids: Iterable[str]) -> None:
        """Removes the lists of those whom the state does not know from the topic, some at a time.

        `listener_ids` are the listeners who had a list there after the gate was set.
        """
        self._plan.found_leavings(listener_ids)

    def shut(self, topic: TopicWriter) -> None:
        """Stops publishing until the gate is set again, and then publishes to `topic`."""
        self.topic = topic
        self._plan.shut()

    # -- publishing --------------------------------------------------------------------------

    def learn(self, records: Sequence[tuple[int, LogRecord]], record_hash: str) -> Changed:
        """Folds log records (offset, record), and notes what they changed, in one step.

        Otherwise a publication between the two could state a log position without having its
        lists. `record_hash` is that of the last record. An error leaves the state half changed, and
        shuts the gate.
        """
        try:
            change = self._fold.apply_many(records)
        except BaseException:
            self._plan.shut()
            raise
        if records and records[-1][0] == self._fold.offset:  # otherwise it was folded before
            self._fold.record_hash = record_hash
        self._plan.changed(change)
        return change

    async def publish(self) -> None:
        """Publishes the lists that changed as of the last folded record.

        If this is cancelled in the middle, for example by SIGTERM, the gate is shut. Otherwise the
        next publication would state that both stores have lists which this one never wrote.
        """
        async with self._in_order:
            try:
                is_over = False
                while not is_over:
                    draft = self._plan.draft()
                    is_over = draft is None or await self._is_last(draft)
            except BaseException:
                self._plan.shut()
                raise

    async def _is_last(self, draft: Draft) -> bool:
        """Sends a draft; returns whether its publication is complete with it."""
        lists = self._maker.lists(draft.listeners)
        if draft.has_fallback:
            lists.append(self._maker.fallback_list())
        await self.redis.wait_until_written()
        if self._must_prove and not await self._is_proven():
            return False
        part = self._plan.number(draft, self.topic.published)
        if part is None:
            return False
        self._send(part, Publication(lists, part.removed, part.frontier, part.more_follow))
        if part.erasures:
            self._plan.found_erased(await self._erased_ids_at(part.erasures))
        return not part.more_follow

    async def _is_proven(self) -> bool:
        """Whether this is still the owner; False if it let go of the log. Raises if it is fenced.

        Whoever is frozen between this and its write to Redis finds another frontier there, unless
        Redis loses its data a second time.
        """
        topic = self.topic
        try:
            await topic.prove()
        except LogError:
            if self.topic is topic:
                raise
            return False
        self._must_prove = False
        return True

    def _send(self, part: Part, publication: Publication) -> None:
        self.topic.offer(publication)
        if part.expected is not None:
            self.redis.write(publication, part.expected, partial(self._answered, part))

    def _answered(self, part: Part, outcome: PublishOutcome) -> None:
        if not outcome.is_accepted:
            self._repair(self._plan.refused(outcome.frontier))
        elif self._plan.accepted(outcome.frontier):
            self.freshness.note(part.appended_at)

    def _repair(self, found: Behind | LaterOwner | None) -> None:
        if isinstance(found, LaterOwner):
            self.topic.fence()
        elif found is not None:
            self._must_prove = True
            _log.warning("redis is behind; lists are published again", after=found.after)

    async def repair_redis(self) -> None:
        """Publishes the lists that Redis is missing, and rebuilds the fallback list if it is old.

        It is called at every heartbeat.
        """
        known = self._plan.redis_at  # publications during the read of Redis advance it
        found = await self.redis.read_frontier()
        if found is None:
            return
        async with self._in_order:
            await self.redis.wait_until_written()
            was_unavailable = self.redis.clear_error()
            self._repair(self._plan.frontier_read(found, known, was_unavailable=was_unavailable))
            self._plan.places_freed(await self.redis.take_free())
            is_due = self._plan.is_due
        if is_due:
            self._plan.make_fallback_due()
            await self._publish_repair()

    async def _publish_repair(self) -> None:
        """Publishes what is due, unless the topic has ended, which the next heartbeat finds."""
        try:
            await self.publish()
        except LogError:
            if self.topic.failure is None:
                raise
