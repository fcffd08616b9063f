"""Where lists are read from: one interface for the Redis tables and their twin in memory."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from streams.lists.frontier import Frontier
from topics.recommendation_list import RecommendationList, RecommendedTrack


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
    """Lists that go out together, and the frontier that they reach."""

    lists: Sequence[RecommendationList]
    erased: Sequence[str]
    frontier: Frontier
    more_follow: bool = False
    """Whether the frontier is reached with later ones only."""


class PublishOutcome(NamedTuple):
    """What became of a publication: whether it was taken, and the frontier that the store has."""

    is_taken: bool
    frontier: Frontier


class ListStore(Protocol):
    """A table of lists by generation and listener, and the publish frontier beside them.

    A publication is taken only where the frontier is what its publisher knows it to be, and moves
    it, all in one step: so a store that fell back, or that another one writes to, takes nothing
    until its publisher knows. Of a publication a list is taken only if its (log_epoch, as_of) is
    older neither than the stored one's nor than the frontier: who was erased meanwhile has no
    list that would say so.
    """

    async def publish(self, publication: Publication, since: Frontier) -> PublishOutcome:
        """Takes lists, removes erased listeners' and moves the frontier; or takes nothing.

        `since` is the frontier that the store must have, as its publisher knows it.
        """
        ...

    async def fence(self, shard: str, owner: int) -> Frontier:
        """Moves the frontier of another shard, `iofM`, on to an owner after its last and `owner`,
        so that whoever published it takes notice; returns it. Where the store has not seen `owner`,
        its serial says nothing any more.
        """
        ...

    async def frontier(self) -> Frontier:
        """The publish frontier of this generation and shard."""
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
