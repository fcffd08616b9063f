"""Names of tracks for display: read through a bounded cache, and ids where names are missing."""

import asyncio
import time
from collections.abc import Callable, Sequence

from streams.tracks.track_catalogue import TrackCatalogue
from topics.errors import ServerError

NAMES_KEPT_MAX = 10_000
ANSWER_TIMEOUT_S = 1.0
HOLD_OFF_S = 5.0
"""After a failure the catalogue is not asked again for so long: a live view must not stutter."""


class TrackNames:
    """What to call tracks; `catalogue` is None where no MongoDB is known."""

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
        self._asks_again_at = float("-inf")

    @property
    def is_away(self) -> bool:
        """Whether names are missing because the catalogue did not answer lately."""
        return self._clock() < self._asks_again_at

    async def of(self, track_ids: Sequence[str]) -> dict[str, str]:
        """Each of `track_ids` with "Artist – Title", or with itself where that is not known."""
        unknown = [track_id for track_id in track_ids if track_id not in self._names]
        found = await self._ask(unknown) if unknown else {}
        names = {each: self._names.get(each) or found.get(each, each) for each in track_ids}
        self._keep(found)
        return names

    async def _ask(self, track_ids: Sequence[str]) -> dict[str, str]:
        if self._catalogue is None or self.is_away:
            return {}
        try:
            asked = self._catalogue.names(track_ids)
            found = await asyncio.wait_for(asked, self._answer_timeout_s)
        except (ServerError, TimeoutError):
            self._asks_again_at = self._clock() + HOLD_OFF_S
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
