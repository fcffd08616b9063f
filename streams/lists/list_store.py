"""The store of lists: one interface for the Redis adapter and its in-memory twin."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from streams.lists.frontier import Frontier
from topics.recommendation_list import RecommendationList, RecommendedTrack


class StoredList(NamedTuple):
    """A list as a reader gets it; times are in ms, `items` are (track, score, reason)."""

    items: list[RecommendedTrack]
    log_epoch: int
    as_of: int
    event_time: int
    published_at: int
    is_fallback: bool = False
    """Whether it is the fallback list, because the listener has no list of their own."""
    generation: str = ""
    """The generation that made it, if the reader followed the pointer."""


class Publication(NamedTuple):
    """Lists that are published together, and the frontier that the store reaches with them."""

    lists: Sequence[RecommendationList]
    erased: Sequence[str]
    frontier: Frontier
    more_follow: bool = False
    """Whether this is a part, and the store reaches the frontier only with a later part."""


class PublishOutcome(NamedTuple):
    """Whether a store accepted a publication, and the frontier that the store has now."""

    is_accepted: bool
    frontier: Frontier


class ListStore(Protocol):
    """Lists by generation and listener, and the publish frontier of each shard.

    A store accepts a publication only if its frontier is the one that the publisher expects, and
    moves the frontier in the same step (compare-and-set). So a store that lost recent writes, or
    that another process writes to, accepts nothing until the publisher has noticed.

    Within a publication, a list is accepted only if its (log_epoch, as_of) is not older than that
    of the stored list and not older than the frontier. The frontier is compared, too, because a
    listener that was erased in the meantime has no stored list to compare with.
    """

    async def publish(self, publication: Publication, expected: Frontier) -> PublishOutcome:
        """Accepts lists, removes those of erased listeners and moves the frontier; or does nothing.

        `expected` is the frontier that the store must have.
        """
        ...

    async def fence(self, shard: str, owner: int) -> Frontier:
        """Fences another shard, `iofM`: raises the owner number in its frontier; returns that.

        The new number is larger than `owner` and than the shard's last one, so that its publisher
        is refused. If the store has not seen `owner`, the serial becomes `UNKNOWN_SERIAL`.
        """
        ...

    async def frontier(self) -> Frontier:
        """The publish frontier of this generation and shard."""
        ...

    async def read(self, listener_id: str) -> StoredList | None:
        """The listener's list; otherwise the fallback list, or None if there is none."""
        ...

    @property
    def left_out(self) -> list[str]:
        """Listeners whose list could not be written, because another value is in its place.

        The value is left unchanged, because it is somebody else's.
        """
        ...

    async def take_free(self) -> list[str]:
        """Takes from `left_out`, and returns, the listeners whose place is free now."""
        ...

    async def count(self) -> int:
        """Number of listeners that have a list."""
        ...

    async def close(self) -> None:
        """Closes the connection."""
        ...
