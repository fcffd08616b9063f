"""From the state to lists: ranks listeners as of the last folded log record."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streams.fold import Fold
from streams.list_shaping import Shape
from streams.stores.lists import EVERYONE
from topics.partitioning import partition_of
from topics.recommendation_list import RankedTrack, RecommendationList, RecommendedTrack

_NOBODY = np.array([-1], np.int32)


class ListMaker:
    """Makes the lists of one recommender: shard `shard` of `shards` of a generation."""

    def __init__(
        self, fold: Fold, generation: str, *, shard: int, shards: int, shape: Shape
    ) -> None:
        self._fold = fold
        self._generation = generation
        self._shard = shard
        self._shards = shards
        self._shape = shape

    def own(self, listeners: NDArray[np.int32]) -> NDArray[np.int32]:
        """Those of `listeners` (codes) that belong to this shard and are not erased."""
        listeners = self._fold.remembered(listeners)
        if self._shards == 1:
            return listeners
        value = self._fold.listeners.value
        return np.array([code for code in listeners if self.owns(str(value(int(code))))], np.int32)

    def owns(self, listener_id: str) -> bool:
        """Whether this listener belongs to this shard."""
        return partition_of(listener_id, self._shards) == self._shard

    def lists(self, listeners: NDArray[np.int32]) -> list[RecommendationList]:
        """A list for each of `listeners` (codes of this shard), all as of the same record."""
        if not len(listeners):
            return []
        ranker = self._fold.ranker
        items, scores, reasons = self._shape.ranked(ranker, listeners)
        lengths = (items >= 0).sum(axis=1).tolist()
        newest = self._fold.newest(listeners).tolist()
        ids = ranker.users.values(listeners.tolist())
        ranked = zip(lengths, items.tolist(), scores.tolist(), reasons.tolist(), strict=True)
        return [
            self._list(str(listener_id), event_time, self._tracks(*each))
            for listener_id, event_time, each in zip(ids, newest, ranked, strict=True)
        ]

    def _tracks(
        self, length: int, items: list[int], scores: list[float], reasons: list[int]
    ) -> list[RankedTrack]:
        track_ids = map(str, self._fold.ranker.items.values(items[:length]))
        names = map(self._fold.ranker.reasons.__getitem__, reasons)
        return list(zip(track_ids, scores, names, strict=False))

    def everyones(self) -> RecommendationList:
        """The fallback list, for listeners that are not known."""
        items, scores, reasons = self._shape.ranked(self._fold.ranker, _NOBODY)
        length = int((items >= 0).sum())
        tracks = self._tracks(length, items[0].tolist(), scores[0].tolist(), reasons[0].tolist())
        return self._list(EVERYONE, 0, [RecommendedTrack(*each) for each in tracks])

    def _list(
        self, listener_id: str, event_time: int, items: Sequence[RankedTrack]
    ) -> RecommendationList:
        return RecommendationList(
            listener_id=listener_id,
            generation=self._generation,
            shard=self._shard,
            log_epoch=self._fold.log_epoch,
            as_of=self._fold.offset,
            event_time=event_time,
            items=items,
        )
