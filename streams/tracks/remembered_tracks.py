"""A catalogue that remembers what it read for some seconds, so that most lists cost no look-up."""

from collections.abc import Sequence

from cachetools import TTLCache

from streams.tracks.track_catalogue import Track, TrackCatalogue

REMEMBERED_MAX = 50_000
"""Maximum number of remembered tracks: about 40 MB."""
REMEMBERED_S = 10.0
"""How long a change of a track may go unseen. A track that was unknown is looked up each time."""


class RememberedTracks:
    """Reads `catalogue`, and what it read within the last `remembered_s` seconds from memory."""

    def __init__(self, catalogue: TrackCatalogue, remembered_s: float = REMEMBERED_S) -> None:
        self._catalogue = catalogue
        self._tracks: TTLCache[str, Track] = TTLCache(REMEMBERED_MAX, remembered_s)

    async def remember(self, tracks: Sequence[Track]) -> None:
        """Adds tracks to the catalogue; what is remembered of them is read again."""
        await self._catalogue.remember(tracks)
        for each in tracks:
            self._tracks.pop(each.track_id, None)

    async def names(self, track_ids: Sequence[str]) -> dict[str, Track]:
        """The known tracks among `track_ids`, by id."""
        found = {each: track for each in track_ids if (track := self._tracks.get(each))}
        if unknown := [each for each in track_ids if each not in found]:
            read = await self._catalogue.names(unknown)
            self._tracks.update(read)
            found |= read
        return found

    async def of_recordings(self, recording_mbids: Sequence[str]) -> dict[str, Track]:
        """The known tracks by the MusicBrainz ids of their recordings, always looked up."""
        return await self._catalogue.of_recordings(recording_mbids)

    async def search(self, text: str, limit: int) -> list[Track]:
        """Up to `limit` tracks whose artist or title begins with `text`, always looked up."""
        return await self._catalogue.search(text, limit)

    async def close(self) -> None:
        """Closes the catalogue."""
        await self._catalogue.close()
