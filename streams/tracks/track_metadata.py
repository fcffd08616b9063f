"""Extracts the metadata of tracks (names, duration, ids) from the events of a batch."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.tracks.track_catalogue import Track
from topics.learning_batch import Column, LearningBatch

_HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""2^64 divided by the golden ratio, which spreads small numbers (multiplicative hashing)."""
_COLUMNS = (
    "tracks",
    "artist_names",
    "track_names",
    "release_names",
    "duration_ms",
    "sources",
    "source_tracks",
)


class TrackMetadata(NamedTuple):
    """The metadata that one event contains about its track."""

    track_id: str
    artist_name: str | None
    track_name: str | None
    release_name: str | None
    duration_ms: int | None
    source: str
    source_track_id: str | None

    def track(self) -> Track:
        """The metadata as a track of the catalogue."""
        *names, source, source_track_id = self
        ids = (f"{source}:{source_track_id}",) if source_track_id else ()
        return Track(**dict(zip(self._fields, names, strict=False)), source_track_ids=ids)


def sightings(batch: LearningBatch) -> list[TrackMetadata]:
    """The distinct metadata of tracks in a batch, in order; events without a title are skipped."""
    titled = np.flatnonzero((batch.columns["tracks"] >= 0) & (batch.columns["track_names"] >= 0))
    columns = [batch.columns[name][titled] for name in _COLUMNS]
    rows = _first_of_each(columns)
    return [
        _sighting(batch, *row) for row in zip(*(c[rows].tolist() for c in columns), strict=True)
    ]


def _first_of_each(columns: Sequence[Column]) -> NDArray[np.intp]:
    """Rows at which a combination of values appears for the first time, in order."""
    key = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        key = key * _HASH_FACTOR + column.astype(np.uint64)
    _, first = np.unique(key, return_index=True)
    return np.sort(first)


def _sighting(
    batch: LearningBatch,
    track: int,
    artist_name: int,
    track_name: int,
    release_name: int,
    duration_ms: int,
    source: int,
    source_track: int,
) -> TrackMetadata:
    texts = batch.strings
    return TrackMetadata(
        texts[track],
        texts[artist_name] if artist_name >= 0 else None,
        texts[track_name],
        texts[release_name] if release_name >= 0 else None,
        duration_ms if duration_ms >= 0 else None,
        texts[source],
        texts[source_track] if source_track >= 0 else None,
    )


class RecentlySeen:
    """The hashes of the `size` newest sightings (an LRU cache)."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._hashes: OrderedDict[int, None] = OrderedDict()

    def __contains__(self, sighting: TrackMetadata) -> bool:
        key = hash(sighting)
        if key not in self._hashes:
            return False
        self._hashes.move_to_end(key)
        return True

    def add(self, sighting: TrackMetadata) -> None:
        """Adds `sighting` as the newest, and removes the oldest if there are more than `size`."""
        self._hashes[hash(sighting)] = None
        if len(self._hashes) > self._size:
            self._hashes.popitem(last=False)
