"""Feeds the track catalogue from the batches that are folded, off the hot path.

`offer` only selects the tracks about which a batch has new metadata, and buffers them in a bounded
table. A task writes them in bulk, and retries with backoff while the catalogue is unavailable. If
the table is full, further tracks are counted and dropped. The next event that names a dropped track
offers it again.
"""

import asyncio
from itertools import islice

import stamina
import structlog

from streams.tracks.track_catalogue import Track, TrackCatalogue, merged
from streams.tracks.track_metadata import RecentlySeen, TrackMetadata, sightings
from topics.errors import ServerError
from topics.learning_batch import LearningBatch

_log = structlog.get_logger(__name__)
TRACKS_A_WRITE_MAX = 500
TRACKS_WAITING_MAX = 20_000
SIGHTINGS_MAX = 1 << 16
FIRST_RETRY_S = 0.5
LAST_RETRY_S = 30.0
CLOSING_S = 2.0
"""How long `close` waits for tracks that are not written yet, in seconds."""


class CatalogueFeed:
    """Writes the metadata of tracks to `catalogue`; all methods must run on one event loop."""

    def __init__(
        self,
        catalogue: TrackCatalogue,
        *,
        waiting_max: int = TRACKS_WAITING_MAX,
        sightings_max: int = SIGHTINGS_MAX,
        first_retry_s: float = FIRST_RETRY_S,
    ) -> None:
        self._catalogue = catalogue
        self._waiting_max = waiting_max
        self._first_retry_s = first_retry_s
        self._waiting: dict[str, Track] = {}
        self._seen = RecentlySeen(sightings_max)
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.written = 0
        self.dropped = 0
        self.error: str | None = None

    def offer(self, batch: LearningBatch) -> None:
        """Buffers new metadata of tracks as far as there is capacity; never waits, never raises."""
        for sighting in sightings(batch):
            if sighting not in self._seen:
                self._buffer(sighting)

    def _buffer(self, sighting: TrackMetadata) -> None:
        known = self._waiting.get(sighting.track_id)
        if known is None and len(self._waiting) >= self._waiting_max:
            self.dropped += 1
            return
        self._waiting[sighting.track_id] = merged(known, sighting.track())
        self._seen.add(sighting)
        self._work.set()
        self._idle.clear()

    async def run(self) -> None:
        """Writes offered tracks until it is cancelled."""
        while True:
            await self._work.wait()
            await self._write(self._next())
            if not self._waiting:
                self._idle.set()

    def _next(self) -> list[Track]:
        ids = [*islice(self._waiting, TRACKS_A_WRITE_MAX)]
        tracks = [self._waiting.pop(track_id) for track_id in ids]
        if not self._waiting:
            self._work.clear()
        return tracks

    async def _write(self, tracks: list[Track]) -> None:
        async for attempt in stamina.retry_context(
            on=ServerError,
            attempts=None,
            timeout=None,
            wait_initial=self._first_retry_s,
            wait_max=LAST_RETRY_S,
        ):
            with attempt:
                await self._remember(tracks)
        self.written += len(tracks)

    async def _remember(self, tracks: list[Track]) -> None:
        try:
            await self._catalogue.remember(tracks)
        except ServerError as error:
            self.error = error.message
            raise
        self.error = None

    def status(self) -> dict[str, int | str | None]:
        """For operators: numbers of tracks written, waiting and dropped, and the last error."""
        return {
            "written": self.written,
            "waiting": len(self._waiting),
            "dropped": self.dropped,
            "error": self.error,
        }

    async def close(self) -> None:
        """Waits up to `CLOSING_S` for tracks to be written, and closes the catalogue."""
        if self.error is None:
            try:
                await asyncio.wait_for(self._idle.wait(), CLOSING_S)
            except TimeoutError:
                _log.warning("tracks were not written to the catalogue", waiting=len(self._waiting))
        await self._catalogue.close()
