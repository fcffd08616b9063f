"""The newest play for the live view, and the names of tracks for the catalogue."""

import numpy as np

from streams.tracks.catalogue_feed import CatalogueFeed
from topics.learning_batch import LearningBatch
from topics.learning_log import LogRecord
from topics.listening_event import KIND_CODES


class LatestPlay:
    """Notes the newest play of each learnt batch; feeds the track catalogue, if there is one."""

    def __init__(self, feed: CatalogueFeed | None = None) -> None:
        self._feed = feed
        self.names: dict[str, str] = {}
        """`listener_id` and `track_id` of the newest play; empty before the first."""

    def note(self, record: LogRecord) -> None:
        """Notes a log record; never waits, never raises."""
        if not isinstance(record, LearningBatch) or not len(record):
            return
        if self._feed is not None:
            self._feed.offer(record)
        if self.names and self.names["listener_id"] in _erased(record):
            self.names = {}
        listener, track = record.columns["listeners"][-1], record.columns["tracks"][-1]
        if track >= 0:
            self.names = {
                "listener_id": record.strings[listener],
                "track_id": record.strings[track],
            }

    def catalogue_status(self) -> dict[str, int | str | None] | None:
        """Status of the catalogue feed; None without a catalogue."""
        return self._feed.status() if self._feed else None


def _erased(batch: LearningBatch) -> set[str]:
    rows = np.flatnonzero(batch.columns["kinds"] == KIND_CODES["ERASE"])
    return {batch.strings[each] for each in batch.columns["listeners"][rows]}
