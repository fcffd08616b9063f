"""The in-memory implementation (twin) of the store of lists."""

from streams.lists.frontier import NOTHING_PUBLISHED, Frontier, fenced_frontier
from streams.lists.list_store import Publication, PublishOutcome, StoredList
from topics.recommendation_list import EVERYONE, RecommendationList, RecommendedTrack


class MemoryLists:
    """Lists of one generation and shard (`iofM`), with the same rules as `RedisLists`."""

    def __init__(self, shard: str = "0of1") -> None:
        self._shard = shard
        self._lists: dict[str, StoredList] = {}
        self._frontiers: dict[str, Frontier] = {}

    def of(self, shard: str) -> "MemoryLists":
        """The same store from the point of view of another shard."""
        other = MemoryLists(shard)
        other._lists, other._frontiers = self._lists, self._frontiers
        return other

    @property
    def _frontier(self) -> Frontier:
        return self._frontiers.get(self._shard, NOTHING_PUBLISHED)

    @_frontier.setter
    def _frontier(self, new: Frontier) -> None:
        self._frontiers[self._shard] = new

    async def publish(self, publication: Publication, expected: Frontier) -> PublishOutcome:
        """See `ListStore.publish`."""
        known = self._frontier
        if known.identity != expected.identity:
            return PublishOutcome(False, known)
        for each in publication.lists:
            self._put(each)
        for listener_id in publication.erased:
            self._erase(listener_id, publication.frontier)
        new = publication.frontier
        self._frontier = new.reached_in_part(known) if publication.more_follow else new
        return PublishOutcome(True, self._frontier)

    def _put(self, new: RecommendationList) -> None:
        if (new.log_epoch, new.as_of) >= self._newest(new.listener_id):
            items = [RecommendedTrack(*item) for item in new.items]
            self._lists[new.listener_id] = StoredList(
                items, new.log_epoch, new.as_of, new.event_time, 0
            )

    def _erase(self, listener_id: str, at: Frontier) -> None:
        if at.position >= self._newest(listener_id):
            self._lists.pop(listener_id, None)

    def _newest(self, listener_id: str) -> tuple[int, int]:
        """The newer position of the stored list and the frontier; no older list is accepted."""
        old = self._lists.get(listener_id)
        stored = (old.log_epoch, old.as_of) if old else NOTHING_PUBLISHED.position
        return max(stored, self._frontier.position)

    async def fence(self, shard: str, owner: int) -> Frontier:
        """See `ListStore.fence`."""
        self._frontiers[shard] = fenced_frontier(
            self._frontiers.get(shard, NOTHING_PUBLISHED), owner
        )
        return self._frontiers[shard]

    async def frontier(self) -> Frontier:
        """See `ListStore.frontier`."""
        return self._frontier

    async def read(self, listener_id: str) -> StoredList | None:
        """See `ListStore.read`."""
        own, fallback = self._lists.get(listener_id), self._lists.get(EVERYONE)
        return own or (fallback._replace(is_fallback=True) if fallback else None)

    @property
    def left_out(self) -> list[str]:
        """See `ListStore.left_out`; nobody else writes to this store."""
        return []

    async def take_free(self) -> list[str]:
        """See `ListStore.take_free`."""
        return []

    async def count(self) -> int:
        """See `ListStore.count`."""
        return len(self._lists.keys() - {EVERYONE})

    async def close(self) -> None:
        """See `ListStore.close`."""
