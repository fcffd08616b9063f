"""Where lists are read from: one interface for the Redis tables and their twin in memory."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from streams.frontier import NOTHING_PUBLISHED, Frontier
from topics.recommendation_list import RecommendationList, RecommendedTrack

EVERYONE = "*everyone*"
"""Stands for every listener without a list of their own."""


class StoredList(NamedTuple):
    """A list as a reader finds it; times in ms, `items` as (track, score, reason)."""

    items: list[RecommendedTrack]
    log_epoch: int
    as_of: int
    event_time: int
    published_at: int
    is_everyones: bool = False
    """Whether it is the fallback, since the listener has none of their own."""


class Publication(NamedTuple):
    """Lists that go out together, and the frontier that they reach (None: more are to follow)."""

    lists: Sequence[RecommendationList]
    erased: Sequence[str] = ()
    frontier: Frontier | None = None
    since: Frontier = NOTHING_PUBLISHED
    """What the store must have reached before; else it forgot, and its frontier stays."""


class ListStore(Protocol):
    """A table of lists by generation and listener, and the publish frontier beside them.

    A list is taken only if its (log_epoch, as_of) is older neither than the stored one's nor than
    the frontier: who was erased meanwhile has no list that would tell a zombie so. The frontier
    moves only forward, and only from where the publisher knew it to be or beyond, so that
    it never passes lists that are missing. Both happen in one step.
    """

    async def publish(self, publication: Publication) -> Frontier:
        """Takes lists, removes erased listeners' and moves the frontier; returns the former one."""
        ...

    async def frontier(self, shard: str = "") -> Frontier:
        """The publish frontier of this generation and shard, or of another one, `iofM`."""
        ...

    async def read(self, listener_id: str) -> StoredList | None:
        """The listener's list, else everyone's, else None."""
        ...

    async def count(self) -> int:
        """How many listeners have a list."""
        ...

    async def close(self) -> None:
        """Lets go of the connection."""
        ...
