"""What people like to see: who played what last, and the names of tracks for the catalogue."""

from streams.tracks.catalogue_feed import CatalogueFeed
from topics.learning_batch import LearningBatch
from topics.learning_log import LogRecord


class LatestPlay:
    """Looks at each batch that was learnt; feeds the catalogue of tracks where there is one."""

    def __init__(self, feed: CatalogueFeed | None = None) -> None:
        self._feed = feed
        self.names: dict[str, str] = {}
        """`listener_id` and `track_id` of the newest play; empty before the first."""

    def note(self, record: LogRecord) -> None:
        """Takes a log record; never waits, never raises."""
        if not isinstance(record, LearningBatch) or not len(record):
            return
        if self._feed is not None:
            self._feed.offer(record)
        listener, track = record.columns["listeners"][-1], record.columns["tracks"][-1]
        if track >= 0:
            self.names = {
                "listener_id": record.strings[listener],
                "track_id": record.strings[track],
            }

    def catalogue_status(self) -> dict[str, int | str | None] | None:
        """What became of the tracks that were offered; None without a catalogue."""
        return self._feed.status() if self._feed else None
