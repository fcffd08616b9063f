"""Checks from heartbeats whether the source was recreated and whether the log lost rows. Pure.

One detector of lost rows watches each partition over all epochs. One more watches the control
record that introduces the source, as if it were a row.
"""

from collections.abc import Mapping

from streams.heartbeats.fold_position import FoldPosition
from streams.sequencing.lost_rows import LostRowsDetector
from streams.sequencing.start_positions import Source, TopicPartition


class SourceWatch:
    """Compares the rows of one source that were sent with those that the folds have seen.

    Times are seconds of any monotonic clock.
    """

    def __init__(self) -> None:
        self.source = Source("", b"", 0)
        self.fold = FoldPosition()
        """The newest position of the folds, from their heartbeats."""
        self._introduction = LostRowsDetector()
        self._partitions: dict[TopicPartition, LostRowsDetector] = {}

    @property
    def is_foreign(self) -> bool:
        """Whether the folds know another topic id for the source: the topic was recreated."""
        known = self.fold.topic_ids.get(self.source.name)
        return known is not None and known != self.source.topic_id

    def begin_epoch(self, starts: Mapping[TopicPartition, int], log_end: int) -> None:
        """Begins to watch an epoch that reads from `starts` while the log ends at `log_end`."""
        self._introduction.begin_epoch(1, log_end)
        for tp, start in starts.items():
            self._partitions.setdefault(tp, LostRowsDetector()).begin_epoch(start, log_end)

    def acknowledged(self, tp: TopicPartition, to_offset: int, log_offset: int) -> None:
        """Notes an acknowledged chunk: its last offset, and the log offset of its last batch."""
        self._partitions[tp].acknowledged(to_offset, log_offset)

    def lost(
        self, now_s: float, next_unacknowledged: Mapping[TopicPartition, int]
    ) -> list[TopicPartition]:
        """Which partitions of `next_unacknowledged` must be read again, after a heartbeat.

        Its values are the first source offsets that the log has not acknowledged.
        """
        return [tp for tp, at in next_unacknowledged.items() if self._is_lost(now_s, tp, at)]

    def _is_lost(self, now_s: float, tp: TopicPartition, next_unacknowledged: int) -> bool:
        folded = self.fold.next.get(self.source.partition(tp), 0)
        return self._partitions[tp].is_lost(now_s, self.fold.as_of, folded, next_unacknowledged)

    def is_introduction_lost(self, now_s: float) -> bool:
        """Whether the log has lost the control record that introduces the source."""
        known = int(self.source.name in self.fold.topic_ids)
        return self._introduction.is_lost(now_s, self.fold.as_of, known, 1)
