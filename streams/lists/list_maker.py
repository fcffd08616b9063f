"""Ranks listeners, as of the last folded log record, and makes their lists."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from streams.folding.fold import Fold
from streams.folding.log_position import LogPosition
from streams.lists.list_shape import ListShape, shape_of
from streams.settings import Settings
from topics.partitioning import partition_of
from topics.recommendation_list import EVERYONE, RankedTrack, RecommendationList

_UNKNOWN_LISTENER = np.array([-1], np.int32)


class ListMaker:
    """Makes the lists of one recommender: shard `shard` of `shards` of a generation."""

    def __init__(
        self, fold: Fold, generation: str, *, shard: int, shards: int, shape: ListShape
    ) -> None:
        self._fold = fold
        self._generation = generation
        self._shard = shard
        self._shards = shards
        self._shape = shape

    def of_this_shard(self, listeners: NDArray[np.int32]) -> NDArray[np.int32]:
        """The codes in `listeners` that belong to this shard and are not erased."""
        listeners = self._fold.changes.not_erased(listeners)
        if self._shards == 1:
            return listeners
        value = self._fold.listeners.value
        return np.array([code for code in listeners if self.owns(str(value(int(code))))], np.int32)

    def owns(self, listener_id: str) -> bool:
        """Whether this listener belongs to this shard."""
        return partition_of(listener_id, self._shards) == self._shard

    @property
    def makes_fallback(self) -> bool:
        """Whether this shard makes the fallback list.

        Only one shard does: with several, a list in the topic could be replaced by an older one.
        """
        return self._shard == 0

    @property
    def position(self) -> LogPosition:
        """The log position as of which lists are made."""
        return self._fold.position

    def changed_after(self, log_offset: int) -> NDArray[np.int32]:
        """Codes of this shard's listeners whose newest change is beyond `log_offset`."""
        return self.of_this_shard(self._fold.changes.after(log_offset))

    def erased_after(self, log_offset: int) -> list[int]:
        """Offsets, in order, of the log records beyond `log_offset` that erased a listener."""
        return self._fold.erasures.after(log_offset)

    def is_gone(self, listener_id: str) -> bool:
        """Whether the listener is of this shard and not in the state, so has to have no list."""
        return self.owns(listener_id) and self._fold.listeners.code(listener_id) < 0

    def changed_before(self, listener_ids: Iterable[str]) -> int:
        """A log offset before the newest change of each of these listeners of the state."""
        known = map(self._fold.listeners.code, listener_ids)
        codes = np.array([code for code in known if code >= 0], np.int32)
        changed = self._fold.changes.last_changed(codes)
        return int(changed.min(initial=self._fold.offset + 1)) - 1

    def lists(self, listeners: NDArray[np.int32]) -> list[RecommendationList]:
        """A list for each of `listeners` (codes of this shard), all as of the same record.

        Listeners that were erased since they were selected get no list.
        """
        listeners = self._fold.changes.not_erased(listeners)
        if not len(listeners):
            return []
        ranker = self._fold.ranker
        items, scores, reasons = self._shape.ranked(ranker, listeners)
        tracks = self._tracks(items, scores, reasons)
        newest = self._fold.changes.newest(listeners).tolist()
        ids = ranker.users.values(listeners.tolist())
        return [
            self._list(str(listener_id), event_time, ranked)
            for listener_id, event_time, ranked in zip(ids, newest, tracks, strict=True)
        ]

    def _tracks(
        self, items: NDArray[np.int32], scores: NDArray[np.float64], reasons: NDArray[np.uint8]
    ) -> Iterator[list[RankedTrack]]:
        """The tracks of each row. Names are looked up for all rows in one call."""
        given = items >= 0
        track_ids = map(str, self._fold.ranker.items.values(items[given].tolist()))
        names = map(self._fold.ranker.reasons.__getitem__, reasons[given].tolist())
        ranked = zip(track_ids, scores[given].tolist(), names, strict=True)
        for length in given.sum(axis=1).tolist():
            yield [*islice(ranked, length)]

    def fallback_list(self) -> RecommendationList:
        """The fallback list (everyone's list), for listeners without a list of their own."""
        [tracks] = self._tracks(*self._shape.ranked(self._fold.ranker, _UNKNOWN_LISTENER))
        return self._list(EVERYONE, 0, tracks)

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


def list_maker(settings: Settings, fold: Fold) -> ListMaker:
    """The maker of the configured recommender's lists."""
    return ListMaker(
        fold,
        settings.generation,
        shard=settings.shard,
        shards=settings.shards,
        shape=shape_of(settings),
    )
