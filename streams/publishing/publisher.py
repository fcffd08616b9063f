"""Publishes what changed to Redis and to the topic, and repairs what one of them lost.

`publication_plan` decides; this carries it out: it ranks the lists of a draft, offers the part to
the topic, writes it to Redis once the part before has settled, and takes back what Redis answered.
While Redis is away, learning and the topic go on; when it is back, or when it turns out to have
forgotten (flushed, failed over), every list that it lacks is published again, to both. So are the
removals of erased listeners: the log says who was erased after the place that a store has reached.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from streams.folding.fold import Changed, Fold
from streams.lists.frontier import Frontier
from streams.lists.list_maker import ListMaker
from streams.lists.list_store import ListStore, Publication, PublishOutcome
from streams.publishing.freshness import Freshness
from streams.publishing.gate import Gate, Reached
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
from topics.learning_log import LogRecord

_log = structlog.get_logger(__name__)


class Publisher:
    """Publishes the lists of one recommender, once `open_with` has set the gate."""

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
        self._maker = maker
        self._erased_at = erased_at
        self._plan = PublicationPlan(maker, made_by=made_by, lists_max=lists_a_publication_max)
        self._in_order = asyncio.Lock()
        self.topic = topic
        self.redis = ListWriter(lists, clock=clock)
        self.freshness = Freshness()

    # -- who publishes -----------------------------------------------------------------------

    @property
    def gate(self) -> Gate | None:
        """From where on lists may be published; None until both frontiers are known."""
        return self._plan.gate

    @property
    def is_open(self) -> bool:
        """Whether lists may be published at the state's place in the log."""
        return self._plan.is_open

    @property
    def is_due(self) -> bool:
        """Whether a repair, or the fallback list, is yet to be published."""
        return self._plan.is_due

    def owned(self, owner: int, redis_at: Frontier) -> None:
        """Both stores know this process as `owner`; Redis is at `redis_at`."""
        self._plan.owned(owner, redis_at)

    def open_with(self, gate: Gate, former: Sequence[Reached] = ()) -> None:
        """Sets the gate; see `PublicationPlan.opened`."""
        self._plan.opened(gate, self.topic.published, former)

    def shut(self, topic: TopicWriter) -> None:
        """Publishes nothing until the gate is set again; from then on to `topic`."""
        self.topic = topic
        self._plan.shut()

    # -- publishing --------------------------------------------------------------------------

    def learn(self, records: Sequence[tuple[int, LogRecord]], record_hash: str) -> Changed:
        """Folds log records (offset, record), and notes what they changed, in one step.

        No publication can come between the two, and say that it has what it lacks. `record_hash`
        is that of the last record.
        """
        change = self._fold.apply_many(records)
        if records and records[-1][0] == self._fold.offset:  # else it was folded before
            self._fold.record_hash = record_hash
        self._plan.changed(change)
        return change

    async def publish(self) -> None:
        """Publishes the lists that changed as of the last folded record.

        Whoever stops it in its middle, as SIGTERM does, shuts the gate: the next publication would
        say that both stores have what this one did not bring.
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
        """Sends a draft; whether that ends its publication."""
        lists = self._maker.lists(draft.listeners)
        if draft.has_everyones:
            lists.append(self._maker.fallback_list())
        await self.redis.settled()
        part = self._plan.number(draft, self.topic.published)
        if part is None:
            return False
        self._send(part, Publication(lists, part.removed, part.frontier, part.more_follow))
        if part.erasures:
            self._plan.found_erased(await self._erased_at(part.erasures))
        return not part.more_follow

    def _send(self, part: Part, publication: Publication) -> None:
        self.topic.offer(publication)
        if part.since is not None:
            self.redis.write(publication, part.since, partial(self._answered, part))

    def _answered(self, part: Part, outcome: PublishOutcome) -> None:
        if not outcome.is_accepted:
            self._repair(self._plan.refused(outcome.frontier))
        elif self._plan.taken(outcome.frontier):
            self.freshness.note(part.appended_at)

    def _repair(self, found: Behind | LaterOwner | None) -> None:
        if isinstance(found, LaterOwner):
            self.topic.fence()
        elif found is not None:
            _log.warning("redis is behind; lists are published again", after=found.after)

    async def look_after(self) -> None:
        """Repairs Redis if its frontier is behind; keeps everyone's list fresh.

        Called at every heartbeat.
        """
        known = self._plan.redis_at  # what is published while Redis is asked moves it on
        found = await self.redis.look()
        if found is None:
            return
        async with self._in_order:
            await self.redis.settled()
            was_away = self.redis.is_back()
            self._repair(self._plan.looked(found, known, was_away=was_away))
            is_due = self._plan.is_due
        if is_due:
            self._plan.make_everyones()
            await self.publish()
