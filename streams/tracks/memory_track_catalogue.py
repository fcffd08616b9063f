"""The in-memory implementation (twin) of the track catalogue."""

from collections.abc import Sequence

from streams.tracks.track_catalogue import SEARCH_LIMIT_MAX, Track, merged
from topics.identity import normalised


class MemoryTrackCatalogue:
    """Tracks in a dict, with the same rules as `MongoTrackCatalogue`."""

    def __init__(self) -> None:
        self._tracks: dict[str, Track] = {}

    async def remember(self, tracks: Sequence[Track]) -> None:
        """See `TrackCatalogue.remember`."""
        for track in tracks:
            self._tracks[track.track_id] = merged(self._tracks.get(track.track_id), track)

    async def names(self, track_ids: Sequence[str]) -> dict[str, Track]:
        """See `TrackCatalogue.names`."""
        return {each: self._tracks[each] for each in track_ids if each in self._tracks}

    async def of_recordings(self, recording_mbids: Sequence[str]) -> dict[str, Track]:
        """See `TrackCatalogue.of_recordings`."""
        known = {
            mbid: track
            for _, track in sorted(self._tracks.items(), reverse=True)
            for mbid in track.recording_mbids
        }
        return {each: known[each] for each in recording_mbids if each in known}

    async def search(self, text: str, limit: int) -> list[Track]:
        """See `TrackCatalogue.search`."""
        prefix = normalised(text)
        if not prefix:
            return []
        found = [track for _, track in sorted(self._tracks.items()) if _begins(track, prefix)]
        return found[: min(limit, SEARCH_LIMIT_MAX)]

    async def close(self) -> None:
        """See `TrackCatalogue.close`."""


def _begins(track: Track, prefix: str) -> bool:
    names = (track.artist_name or "", track.track_name or "")
    return any(normalised(name).startswith(prefix) for name in names)
