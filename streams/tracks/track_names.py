"""Names of tracks for display, from a bounded cache; a track without a name is shown by its id."""

import asyncio
import time
from collections.abc import Callable, Sequence

from streams.tracks.track_catalogue import TrackCatalogue
from topics.errors import ServerError

NAMES_KEPT_MAX = 10_000
ANSWER_TIMEOUT_S = 1.0
HOLD_OFF_S = 5.0
"""How long the catalogue is not called after a failure, so that a live view does not stutter."""


class TrackNames:
    """Looks up the names of tracks; `catalogue` is None if there is no MongoDB."""

    def __init__(
        self,
        catalogue: TrackCatalogue | None,
        *,
        kept_max: int = NAMES_KEPT_MAX,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalogue = catalogue
        self._kept_max = kept_max
        self._answer_timeout_s = answer_timeout_s
        self._clock = clock
        self._names: dict[str, str] = {}
        self._retry_at = float("-inf")

    @property
    def is_unavailable(self) -> bool:
        """Whether the catalogue failed within the last `HOLD_OFF_S`, and is not called."""
        return self._clock() < self._retry_at

    async def names_of(self, track_ids: Sequence[str]) -> dict[str, str]:
        """Track id → "Artist – Title", or the id itself if the name is unknown."""
        unknown = [track_id for track_id in track_ids if track_id not in self._names]
        found = await self._fetch(unknown) if unknown else {}
        names = {each: self._names.get(each) or found.get(each, each) for each in track_ids}
        self._keep(found)
        return names

    async def _fetch(self, track_ids: Sequence[str]) -> dict[str, str]:
        if self._catalogue is None or self.is_unavailable:
            return {}
        try:
            answer = self._catalogue.names(track_ids)
            found = await asyncio.wait_for(answer, self._answer_timeout_s)
        except (ServerError, TimeoutError):
            self._retry_at = self._clock() + HOLD_OFF_S
            return {}
        return {track_id: track.display_name for track_id, track in found.items()}

    def _keep(self, found: dict[str, str]) -> None:
        self._names |= found
        while len(self._names) > self._kept_max:
            del self._names[next(iter(self._names))]

    async def close(self) -> None:
        """Closes the catalogue."""
        if self._catalogue is not None:
            await self._catalogue.close()
