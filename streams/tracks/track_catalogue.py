"""The catalogue of tracks' names: one interface for MongoDB and for its in-memory twin.

The names are for display only. The state never needs them, so the catalogue may lag behind or be
unavailable.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict

from topics.identity import MBID_PREFIX

SOURCE_TRACK_IDS_MAX = 32
"""Maximum number of a track's ids at its sources; the first ones in sorted order are kept."""
SEARCH_LIMIT_MAX = 100
_MBID = f":{MBID_PREFIX}"
"""Divides a source from a MusicBrainz id that it has for a track."""


def _bounded(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(ids))[:SOURCE_TRACK_IDS_MAX])


class Track(BaseModel):
    """A canonical track; unknown fields are None. Source ids have the form 'spotify:abc'."""

    model_config = ConfigDict(frozen=True)

    track_id: str
    artist_name: str | None = None
    track_name: str | None = None
    release_name: str | None = None
    duration_ms: int | None = None
    source_track_ids: Annotated[tuple[str, ...], AfterValidator(_bounded)] = ()

    @property
    def recording_mbid(self) -> str | None:
        """The MusicBrainz id of the recording, if a source knows it.

        >>> Track(track_id="t", source_track_ids=("listenbrainz:mpd:mbid:8f3471b5",)).recording_mbid
        '8f3471b5'
        """
        return next(iter(self.recording_mbids), None)

    @property
    def recording_mbids(self) -> list[str]:
        """All MusicBrainz ids that sources know for it: several recordings may have one name."""
        named = (each.rpartition(_MBID) for each in self.source_track_ids)
        return [mbid for _, found, mbid in named if found]

    @property
    def display_name(self) -> str:
        """The name that is displayed; the id if there is no name.

        >>> Track(track_id="t", artist_name="Björk", track_name="Jóga").display_name
        'Björk – Jóga'
        >>> Track(track_id="t").display_name
        't'
        """
        if self.track_name is None:
            return self.track_id
        return f"{self.artist_name} – {self.track_name}" if self.artist_name else self.track_name


def merged(known: Track | None, newer: Track) -> Track:
    """`known` updated with the fields of `newer` that are not None; ids of both are kept."""
    if known is None:
        return newer
    ids = (*known.source_track_ids, *newer.source_track_ids)
    fields = known.model_dump() | newer.model_dump(exclude_none=True)
    return Track(**fields | {"source_track_ids": ids})


def merged_by_id(tracks: Iterable[Track]) -> dict[str, Track]:
    """One track per id, in order of first appearance."""
    found: dict[str, Track] = {}
    for track in tracks:
        found[track.track_id] = merged(found.get(track.track_id), track)
    return found


class TrackCatalogue(Protocol):
    """Canonical tracks by id. Every method raises `ServerError` while the server is unavailable.

    `remember` is idempotent.
    """

    async def remember(self, tracks: Sequence[Track]) -> None:
        """Adds tracks, and updates known ones as `merged` does (an upsert)."""
        ...

    async def names(self, track_ids: Sequence[str]) -> dict[str, Track]:
        """The known tracks among `track_ids`, by id."""
        ...

    async def of_recordings(self, recording_mbids: Sequence[str]) -> dict[str, Track]:
        """The known tracks by the MusicBrainz ids of their recordings; of two, the first by id."""
        ...

    async def search(self, text: str, limit: int) -> list[Track]:
        """Up to `limit` tracks whose artist or title begins with `text`, in order of their ids."""
        ...

    async def close(self) -> None:
        """Closes the connection."""
        ...
