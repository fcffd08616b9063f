"""Identifies the track of each row of a table: by an id, an MBID, or artist and title."""

import numpy as np
from numpy.typing import NDArray

from streams.sources.columnar.cells import UNKNOWN, Cells, TextCodes
from streams.sources.formats.column_roles import Role
from streams.sources.formats.table_rows import SOURCE
from topics.identity import track_id_of


class TrackCodes:
    """Codes of rows' tracks, from their id, MBID, or artist and title, in this order."""

    def __init__(self, tracks: TextCodes) -> None:
        self._tracks = tracks
        self._artists, self._titles = TextCodes(), TextCodes()
        self._of_pair: dict[int, int] = {}

    def tracks(self, cells: dict[Role, Cells], rows: int) -> NDArray[np.int32]:
        """int32[rows]; `UNKNOWN` if a row identifies no track."""
        found = np.full(rows, UNKNOWN, np.int32)
        for role in (Role.TRACK_ID, Role.RECORDING_MBID):
            if role in cells and (found < 0).any():
                found = np.where(found < 0, self._tracks.encode(cells[role]), found)
        if Role.TRACK_NAME in cells and (found < 0).any():
            found = np.where(found < 0, self._by_name(cells, rows), found)
        return found

    def _by_name(self, cells: dict[Role, Cells], rows: int) -> NDArray[np.int32]:
        titles = self._titles.encode(cells[Role.TRACK_NAME]).astype(np.int64)
        artists = np.full(rows, UNKNOWN, np.int64)
        if Role.ARTIST_NAME in cells:
            artists = self._artists.encode(cells[Role.ARTIST_NAME]).astype(np.int64)
        different, at = np.unique(((artists + 1) << 32) | (titles + 1), return_inverse=True)
        codes = [self._of_pair.get(pair) or self._named(pair) for pair in different.tolist()]
        return np.array(codes, np.int32)[at]

    def _named(self, pair: int) -> int:
        artist, title = (pair >> 32) - 1, (pair & 0xFFFFFFFF) - 1
        if title < 0:
            return UNKNOWN
        name = self._titles.texts[title]
        artist_name = self._artists.texts[artist] if artist >= 0 else None
        track_id = track_id_of(artist_name, name, source=SOURCE, source_track_id=name)
        code = self._of_pair[pair] = self._tracks.code(track_id)
        return code
