"""Taking over the lists of an identity: fences who published them before, or for another M.

See `docs/decisions/0012-one-sequence-of-publications.md`.
"""

import asyncio
from collections.abc import Mapping
from operator import methodcaller
from typing import NamedTuple

from streams.lists.frontier import UNKNOWN_SERIAL, Frontier, is_unknown
from streams.lists.list_store import ListStore, Publication
from streams.publishing.list_writer import ListWriter
from streams.publishing.topic_writer import TopicWriter


class TakenOver(NamedTuple):
    """The number of the new owner, and up to where both stores were."""

    owner: int
    redis: Frontier
    topic: Frontier


async def take_over(redis: ListWriter, topic: TopicWriter, retry_s: float) -> TakenOver:
    """Claims the topic, then Redis, however long that takes.

    Raises as `TopicWriter.check` does where a later owner was faster.
    """
    topic_at = await asyncio.to_thread(topic.open)
    redis_at = await redis.asked(lambda lists: lists.frontier(), retry_s)
    owner = 1 + max(redis_at.owner, topic_at.owner)
    await asyncio.to_thread(topic.claim, owner)

    async def claim(lists: ListStore) -> Frontier:
        while True:
            found = await lists.frontier()
            if found.owner > owner:
                topic.fence()
            topic.check()
            claimed = found._replace(owner=owner)
            if is_unknown(found, topic_at):
                claimed = claimed._replace(serial=UNKNOWN_SERIAL)
            outcome = await lists.publish(Publication((), (), claimed), found)
            if outcome.is_taken:
                redis.frontier = claimed
                return found

    return TakenOver(owner, await redis.asked(claim, retry_s), topic_at)


async def fence_in_redis(
    redis: ListWriter, owners: Mapping[str, int], retry_s: float
) -> list[Frontier]:
    """Takes Redis from shards (`iofM`) of another M, whose last owners in the topic are `owners`.

    Returns up to where they published.
    """
    return [
        await redis.asked(methodcaller("fence", shard, owner), retry_s)
        for shard, owner in owners.items()
    ]
