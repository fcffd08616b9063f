"""Takeover of an identity's lists with a fencing token: a new owner fences the former owners.

The owner number is the fencing token. The new owner also derives its gate. The topic refuses a
former owner's transactions, and Redis refuses a publication that expects another frontier than the
stored one (compare-and-set). See `docs/decisions/0012-one-sequence-of-publications.md`.
"""

import asyncio
from collections.abc import Sequence
from operator import methodcaller
from typing import Protocol

import structlog

from streams.folding.fold import Fold
from streams.kafka.log_reader import ReadLog
from streams.kafka.retries import until_answered
from streams.lists.frontier import UNKNOWN_SERIAL, Frontier, is_unknown
from streams.lists.list_store import ListStore, Publication
from streams.ownership.gate_opening import NO_OPENING, Opening, gate_opening
from streams.ownership.resharding import FormerShards, shard_of
from streams.publishing.gate import StoreFrontiers
from streams.publishing.publisher import Publisher
from streams.publishing.topic_listeners import ListenersInTopic
from streams.publishing.topic_writer import TopicWriter
from topics.errors import LogError

CLAIMS_MAX = 3
"""How often a generation without the topic claims its stores, if it is fenced meanwhile."""

_log = structlog.get_logger(__name__)


class Serving(Protocol):
    """What the plan says of this generation."""

    @property
    def publishes(self) -> bool:
        """Whether its lists go to Redis."""

    @property
    def holds_topic(self) -> bool:
        """Whether its lists go to the topic, too: it is the stable generation."""

    async def has_changed(self) -> bool:
        """Reads the journal to its end; returns whether either of the two is another now."""

    async def notices_change(self) -> bool:
        """Like `has_changed`, from what is known of the journal; never waits for Kafka."""

    def next_topic(self, former: TopicWriter) -> TopicWriter:
        """What the next takeover writes to, in place of `former`."""


class AlwaysServing:
    """Serves for ever: the only generation of an installation."""

    publishes = holds_topic = True

    async def notices_change(self) -> bool:
        """Never."""
        return False

    def next_topic(self, former: TopicWriter) -> TopicWriter:
        """A new writer of the same identity."""
        return former.renewed()

    async def has_changed(self) -> bool:
        """Never."""
        return False


class Takeover:
    """Claims both stores for one recommender; waits for Kafka and Redis as long as necessary."""

    def __init__(
        self,
        publisher: Publisher,
        former: FormerShards,
        *,
        read_log: ReadLog,
        fold: Fold,
        retry_s: float,
        serving: Serving | None = None,
        read_topic: ListenersInTopic = set,
    ) -> None:
        """`read_topic` is needed where there may be other generations."""
        self._publisher = publisher
        self.serving = serving or AlwaysServing()
        self._former = former
        self._read_log = read_log
        self._fold = fold
        self._retry_s = retry_s
        self._read_topic = read_topic
        self._has_rivals = False
        self.waits_for: list[str] = []
        """Recommenders of another M that are still alive."""

    async def run(self) -> Opening:
        """Takes over, and sets the gate, which opens as soon as the fold has reached it.

        A generation that is quiet takes nothing over, and its gate stays shut.
        """
        if not self.serving.publishes:
            return NO_OPENING
        former, (redis, topic) = await self._take_over()
        if not self.serving.publishes:
            _log.info("the generation was stopped meanwhile: nothing is published")
            return NO_OPENING
        found = await until_answered(
            lambda: gate_opening(self._read_log, self._fold, redis, topic, former)
        )
        self._publisher.open_with(found.gate, former)
        if (self._fold.log_epoch, found.log_end - 1) < found.gate.opens_at:
            _log.info("publishing waits for the frontier", gate=found.gate.opens_at)
        return found

    async def sweep(self) -> None:
        """Has the lists of listeners removed from the topic whom only other generations know.

        A generation that has learnt a part of the log does not know everybody. This comes after
        `run`: everybody else is fenced, so that nobody but this generation adds a list.
        """
        if not (self.serving.holds_topic and self._has_rivals):
            return
        self._publisher.sweep(await until_answered(self._read_topic))

    async def _take_over(self) -> tuple[list[StoreFrontiers], StoreFrontiers]:
        """Claims both stores; returns the frontiers of all that are fenced, and this shard's own.

        If this process was frozen before its takeover was complete, recommenders of another M may
        have fenced it and may be publishing. It then waits again until they have stopped.
        """
        while True:
            known = await self._redis_frontier()
            ids = await self._wait_for_former_shards()
            found = await self._claim()
            if found.redis.owner == known.owner:
                former = await self._fence_former_shards(ids)
                rivals = await self._fence_rivals()
                if rivals is not None:
                    return [*former, *rivals], found
                _log.info("another generation has become the stable one; taking over again")
            else:
                _log.info("another process has taken over in the meantime; taking over again")
            self.stop_publishing()

    async def _claim(self) -> StoreFrontiers:
        """Claims both stores; again if a generation that becomes stable fenced this one just then.

        That does no harm to one that writes no list to the topic. But another process of this
        identity may have fenced it as well, so it tries again a few times only.
        """
        for _ in range(CLAIMS_MAX - 1):
            try:
                return await claim_stores(self._publisher, self._retry_s)
            except LogError:
                topic = self._publisher.topic
                if topic.writes_lists or not topic.is_fenced:
                    raise
                _log.info("fenced while claiming, perhaps by a new stable generation; once more")
                self.stop_publishing()
        return await claim_stores(self._publisher, self._retry_s)

    async def _fence_rivals(self) -> list[StoreFrontiers] | None:
        """Fences all other generations in the topic; returns how far each published there.

        None if the plan was changed before they were fenced: the topic is then another one's. Only
        after that is it certain that no former holder publishes any more (a frozen one may wake
        after the plan changed twice), so the frontiers are read last.

        A generation without the topic fences nobody, but it reads the journal as well: whoever was
        frozen while its generation was stopped or retired publishes nothing.
        """
        ids = await until_answered(self._former.rivals) if self.serving.holds_topic else []
        self._has_rivals = bool(ids)
        await until_answered(lambda: self._former.fence(ids))
        if await self.serving.has_changed():
            return None
        found = await until_answered(lambda: self._former.frontiers(ids))
        return [StoreFrontiers(each, each) for each in found if each.as_of >= 0]

    def stop_publishing(self) -> None:
        """Stops publishing, and abandons what is pending, until the next takeover."""
        self._publisher.topic.abandon()
        self._publisher.shut(self.serving.next_topic(self._publisher.topic))

    async def _redis_frontier(self) -> Frontier:
        return await self._publisher.redis.call_until_answered(
            methodcaller("frontier"), self._retry_s
        )

    async def _wait_for_former_shards(self) -> list[str]:
        """Waits until no recommender of another M is alive; returns their identities."""
        ids = await until_answered(self._former.ids)
        while alive := await until_answered(lambda: self._former.alive(ids)):
            if alive != self.waits_for:
                _log.warning("recommenders of another M still run: stop them", who=alive)
            self.waits_for = alive
        self.waits_for = []
        return ids

    async def _fence_former_shards(self, ids: Sequence[str]) -> list[StoreFrontiers]:
        """Fences `ids` in both stores; returns their publish frontiers.

        Redis is claimed before that: if it loses these fences, it also loses the claim, which is
        noticed. Redis is fenced before the topic: an owner of another M that takes over between the
        two steps is then fenced in the topic.
        """
        in_topic = await until_answered(lambda: self._former.frontiers(ids))
        in_redis = [
            await self._publisher.redis.call_until_answered(
                methodcaller("fence", shard_of(each), at.owner), self._retry_s
            )
            for each, at in zip(ids, in_topic, strict=True)
        ]
        return [
            *map(StoreFrontiers, in_redis, await until_answered(lambda: self._former.fence(ids)))
        ]


async def claim_stores(publisher: Publisher, retry_s: float) -> StoreFrontiers:
    """Claims the topic, then Redis, with the next owner number; returns both stores' frontiers.

    Raises the error of `TopicWriter.check` if a later owner has claimed a store before.
    """
    redis, topic = publisher.redis, publisher.topic
    await redis.wait_until_written()
    in_topic = await asyncio.to_thread(topic.open)
    redis_at = await redis.call_until_answered(methodcaller("frontier"), retry_s)
    owner = 1 + max(redis_at.owner, in_topic.owner)
    await asyncio.to_thread(topic.claim, owner)

    async def claim(lists: ListStore) -> tuple[Frontier, Frontier]:
        while True:
            found = await lists.frontier()
            if found.owner > owner:
                topic.fence()
            topic.check()
            claimed = found._replace(owner=owner)
            if is_unknown(found, in_topic):
                claimed = claimed._replace(serial=UNKNOWN_SERIAL)
            outcome = await lists.publish(Publication((), (), claimed), found)
            if outcome.is_accepted:
                return found, claimed

    found, claimed = await redis.call_until_answered(claim, retry_s)
    topic.note_redis(claimed)
    publisher.owned(owner, claimed)
    # A topic that gets no lists any more counts only where it shows what Redis has lost: by a later
    # owner number, or by a later publication, which had lists that Redis is missing now.
    if topic.writes_lists or in_topic.serial > found.serial:
        return StoreFrontiers(found, in_topic)
    return StoreFrontiers(found, found._replace(owner=in_topic.owner))
