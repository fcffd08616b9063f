"""Identifies the track of each row of a table: by artist and title, an MBID, or an id.

The order is that of `topics.identity.track_id_of`, so that an evaluation and an import agree.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from streams.sources.columnar.cells import BROKEN, UNKNOWN, Cells, TextCodes
from streams.sources.formats.cell_values import known_names, mbid_of
from streams.sources.formats.column_roles import Role
from streams.sources.formats.table_rows import SOURCE
from topics.identity import track_id_of


class DerivedCodes:
    """Codes in `codes` of the ids that `id_of` derives from texts; each is derived once."""

    def __init__(
        self, codes: TextCodes, id_of: Callable[[str], str | None], *, skips_broken: bool = False
    ) -> None:
        """With `skips_broken`, a text that no event may contain is unknown, and not broken."""
        self._codes, self._id_of = codes, id_of
        self._unless_text = UNKNOWN if skips_broken else BROKEN
        self._texts = TextCodes()
        self._of_text: list[int] = []

    def encode(self, cells: Cells) -> NDArray[np.int32]:
        """int32[n]; `UNKNOWN` where no id follows from the text, `BROKEN` where the text is."""
        at = self._texts.encode(cells)
        for text in self._texts.texts[len(self._of_text) :]:
            own_id = self._id_of(text)
            self._of_text.append(UNKNOWN if own_id is None else self._codes.code(own_id))
        found = np.array([*self._of_text, UNKNOWN], np.int32)[np.maximum(at, UNKNOWN)]
        return np.where(at < 0, np.maximum(at, self._unless_text), found)


class TrackCodes:
    """Codes of rows' tracks."""

    def __init__(self, tracks: TextCodes) -> None:
        self._tracks = tracks
        self._artists, self._titles = TextCodes(), TextCodes()
        self._mbids = DerivedCodes(tracks, mbid_of, skips_broken=True)
        self._ids = DerivedCodes(tracks, str, skips_broken=True)
        self._by_title = DerivedCodes(tracks, _track_id_of_title)
        self._of_pair: dict[int, int] = {}

    def tracks(self, cells: dict[Role, Cells], rows: int) -> NDArray[np.int32]:
        """int32[rows]; `UNKNOWN` if a row identifies no track, `BROKEN` if one of its texts is."""
        found = self._by_name(cells, rows)
        for role, codes in (
            (Role.RECORDING_MBID, self._mbids),
            (Role.TRACK_ID, self._ids),
            (Role.TRACK_NAME, self._by_title),
        ):
            if role in cells and (found == UNKNOWN).any():
                found = np.where(found == UNKNOWN, codes.encode(cells[role]), found)
        return found

    def _by_name(self, cells: dict[Role, Cells], rows: int) -> NDArray[np.int32]:
        if Role.TRACK_NAME not in cells:
            return np.full(rows, UNKNOWN, np.int32)
        titles = self._titles.encode(cells[Role.TRACK_NAME]).astype(np.int64)
        if Role.ARTIST_NAME not in cells:
            return np.where(titles == BROKEN, BROKEN, UNKNOWN).astype(np.int32)
        artists = self._artists.encode(cells[Role.ARTIST_NAME]).astype(np.int64)
        broken = (titles == BROKEN) | (artists == BROKEN)
        titles, artists = np.maximum(titles, UNKNOWN), np.maximum(artists, UNKNOWN)
        different, at = np.unique(((artists + 1) << 32) | (titles + 1), return_inverse=True)
        codes = [
            self._of_pair[pair] if pair in self._of_pair else self._named(pair)
            for pair in different.tolist()
        ]
        return np.where(broken, BROKEN, np.array(codes, np.int32)[at])

    def _named(self, pair: int) -> int:
        artist, title = (pair >> 32) - 1, (pair & 0xFFFFFFFF) - 1
        track_id = None
        if title >= 0 and artist >= 0:
            names = known_names(self._artists.texts[artist], self._titles.texts[title])
            track_id = track_id_of(*names)
        code = UNKNOWN if track_id is None else self._tracks.code(track_id)
        self._of_pair[pair] = code
        return code


def _track_id_of_title(title: str) -> str | None:
    """The id of a track of which only the title is known."""
    return track_id_of(source=SOURCE, source_track_id=known_names(None, title)[1])
