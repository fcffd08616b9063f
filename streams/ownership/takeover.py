"""Taking over the lists of an identity: a new owner fences the former ones and finds its gate.

The number of the owner is the fencing token: the topic refuses a former owner's transactions, and
Redis refuses a publication behind a frontier that it no longer has. See
`docs/decisions/0012-one-sequence-of-publications.md`.
"""

import asyncio
from collections.abc import Sequence
from operator import methodcaller

import structlog

from streams.folding.fold import Fold
from streams.kafka.log_reader import ReadLog
from streams.kafka.waiting import until_answered
from streams.lists.frontier import UNKNOWN_SERIAL, Frontier, is_unknown
from streams.lists.list_store import ListStore, Publication
from streams.ownership.former_shards import FormerShards, shard_of
from streams.ownership.gate_opening import Opening, opening
from streams.publishing.gate import StoreFrontiers
from streams.publishing.publisher import Publisher

_log = structlog.get_logger(__name__)


class Takeover:
    """Takes both stores for one recommender, and waits for Kafka and Redis as long as it takes."""

    def __init__(
        self,
        publisher: Publisher,
        former: FormerShards,
        *,
        read_log: ReadLog,
        fold: Fold,
        retry_s: float,
    ) -> None:
        self._publisher = publisher
        self._former = former
        self._read_log = read_log
        self._fold = fold
        self._retry_s = retry_s
        self.waits_for: list[str] = []
        """Recommenders of another M that still run."""

    async def run(self) -> Opening:
        """Takes over, and opens the gate as soon as the fold gets there."""
        former, (redis, topic) = await self._taken_over()
        found = await until_answered(
            lambda: opening(self._read_log, self._fold, redis, topic, former)
        )
        self._publisher.open_with(found.gate, former)
        if (self._fold.log_epoch, found.log_end - 1) < found.gate.opens_at:
            _log.info("publishing waits for the frontier", gate=found.gate.opens_at)
        return found

    async def _taken_over(self) -> tuple[list[StoreFrontiers], StoreFrontiers]:
        """Up to where recommenders of another M published, and where both stores are.

        A process that was frozen before it had taken over may have been fenced by another M, which
        publishes now. Then it looks for that M again, and waits for its end.
        """
        while True:
            known = await self._redis_at()
            ids = await self._ended_former()
            found = await claim_stores(self._publisher, self._retry_s)
            if found.redis.owner == known.owner:
                return await self._fenced(ids), found
            _log.info("another process has taken over meanwhile; taking over again")
            self.let_go()

    def let_go(self) -> None:
        """Publishes nothing more; what is to be published next needs a new takeover."""
        self._publisher.topic.abandon()
        self._publisher.shut(self._publisher.topic.renewed())

    async def _redis_at(self) -> Frontier:
        return await self._publisher.redis.call_until_answered(
            methodcaller("frontier"), self._retry_s
        )

    async def _ended_former(self) -> list[str]:
        """Waits for the end of recommenders of another M; returns their identities."""
        ids = await until_answered(self._former.ids)
        while alive := await until_answered(lambda: self._former.alive(ids)):
            if alive != self.waits_for:
                _log.warning("recommenders of another M still run: stop them", who=alive)
            self.waits_for = alive
        self.waits_for = []
        return ids

    async def _fenced(self, ids: Sequence[str]) -> list[StoreFrontiers]:
        """Fences `ids` in both stores; returns up to where they published.

        Redis is claimed by then: whatever it forgets from here on, it forgets the claim, too. And
        it comes first: an owner that takes over between it and the topic is fenced there.
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
    """Claims the topic, then Redis, as the next owner; returns up to where both stores were.

    Raises as `TopicWriter.check` does where a later owner was faster.
    """
    redis, topic = publisher.redis, publisher.topic
    await redis.wait_until_written()
    topic_at = await asyncio.to_thread(topic.open)
    redis_at = await redis.call_until_answered(methodcaller("frontier"), retry_s)
    owner = 1 + max(redis_at.owner, topic_at.owner)
    await asyncio.to_thread(topic.claim, owner)

    async def claim(lists: ListStore) -> tuple[Frontier, Frontier]:
        while True:
            found = await lists.frontier()
            if found.owner > owner:
                topic.fence()
            topic.check()
            claimed = found._replace(owner=owner)
            if is_unknown(found, topic_at):
                claimed = claimed._replace(serial=UNKNOWN_SERIAL)
            outcome = await lists.publish(Publication((), (), claimed), found)
            if outcome.is_accepted:
                return found, claimed

    found, claimed = await redis.call_until_answered(claim, retry_s)
    publisher.owned(owner, claimed)
    return StoreFrontiers(found, topic_at)
