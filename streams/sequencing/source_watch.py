"""What the folds say of the source: is it the topic they know, what did the log lose? Pure.

One detector of lost rows watches each partition over all epochs, and one more the record that
introduces the source, as if it were a row.
"""

from collections.abc import Mapping

from streams.progress.fold_position import FoldPosition
from streams.sequencing.lost_rows import LostRowsDetector
from streams.sequencing.start_positions import Source, TopicPartition


class SourceWatch:
    """Compares what was sent of one source with what the folds have seen of it.

    Times are seconds of any steady clock.
    """

    def __init__(self) -> None:
        self.source = Source("", b"", 0)
        self.fold = FoldPosition()
        """The newest that was heard of the folds."""
        self._introduction = LostRowsDetector()
        self._partitions: dict[TopicPartition, LostRowsDetector] = {}

    @property
    def is_foreign(self) -> bool:
        """Whether the folds take another topic for the source: it was made again."""
        known = self.fold.topic_ids.get(self.source.name)
        return known is not None and known != self.source.topic_id

    def begin_epoch(self, starts: Mapping[TopicPartition, int], log_end: int) -> None:
        """Begins to watch an epoch that reads from `starts` while the log ends at `log_end`."""
        self._introduction.begin_epoch(1, log_end)
        for tp, start in starts.items():
            self._partitions.setdefault(tp, LostRowsDetector()).begin_epoch(start, log_end)

    def acknowledged(self, tp: TopicPartition, to_offset: int, log_offset: int) -> None:
        """Notes a chunk that the log took: its last offset, and where its last batch landed."""
        self._partitions[tp].acknowledged(to_offset, log_offset)

    def lost(self, now_s: float, sent: Mapping[TopicPartition, int]) -> list[TopicPartition]:
        """Partitions to be read again, of those in `sent`, after a heartbeat of the folds.

        `sent` gives for each the first source offset that the log has not acknowledged.
        """
        return [tp for tp, offset in sent.items() if self._is_lost(now_s, tp, offset)]

    def _is_lost(self, now_s: float, tp: TopicPartition, sent: int) -> bool:
        folded = self.fold.next.get(self.source.partition(tp), 0)
        return self._partitions[tp].is_lost(now_s, self.fold.as_of, folded, sent)

    def is_introduction_lost(self, now_s: float) -> bool:
        """Whether the folds will never see that the source was introduced."""
        known = int(self.source.name in self.fold.topic_ids)
        return self._introduction.is_lost(now_s, self.fold.as_of, known, 1)
