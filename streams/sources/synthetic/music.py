"""Generated music: artists of each genre release albums without end.

An album is computed from its number, so only a cache of recently played tracks is kept.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from streams.sources.synthetic.chance import Chance, Numbers, Shares, zipf
from streams.sources.synthetic.names import NAMES, two_words
from topics.identity import artist_id_of, track_id_of

GENRES = 12
ARTISTS_A_GENRE = 30
ALBUM_TRACKS_MIN, ALBUM_TRACKS_MAX = 7, 13
BETWEEN_ALBUMS_MIN_DAYS, BETWEEN_ALBUMS_MAX_DAYS = 150, 600
OLD_ALBUMS_MAX = 5
"""Maximum number of albums that an artist has released before the first day."""
ALBUMS_PLAYED = 6
"""Only this number of an artist's newest albums is played."""
DURATION_MIN_MS, DURATION_MAX_MS = 120_000, 330_000
TRACKS_CACHED = 1 << 16
"""Size of the cache of tracks; it bounds memory to 40 MB."""
_TRACKS_AN_ALBUM = 16
_ALBUMS_AN_ARTIST = 1 << 20
_NAMES_AN_ARTIST = NAMES // (GENRES * ARTISTS_A_GENRE)

_newer = zipf(ALBUMS_PLAYED)
_hits = zipf(ALBUM_TRACKS_MAX)


class SimulatedTrack(NamedTuple):
    """A generated track; it does not exist in reality."""

    track_id: str
    artist_id: str
    artist_name: str
    track_name: str
    release_name: str


class SimulatedMusic:
    """The music of a town; artists, albums and tracks are numbers, in arrays of any shape."""

    def __init__(self, seed: int) -> None:
        self._chance = Chance(seed)
        self._first_name = int(self._chance.below(NAMES, "names", 0)[0])
        self.track = lru_cache(TRACKS_CACHED)(self._track)
        """The track of a code."""

    def newest_album(self, artists: Numbers, day: Numbers | int) -> Numbers:
        """Number, from 0, of the newest album of each of `artists` that is released by `day`."""
        spread = BETWEEN_ALBUMS_MAX_DAYS - BETWEEN_ALBUMS_MIN_DAYS
        between = BETWEEN_ALBUMS_MIN_DAYS + self._chance.below(spread, "between", artists)
        began = self._chance.below(between * OLD_ALBUMS_MAX, "began", artists)
        return np.asarray((day + began) // between, np.int64)

    def album(self, artists: Numbers, day: Numbers | int, shares: Shares) -> Numbers:
        """Code of an album of each artist; `shares` in [0, 1) choose, newer ones more often."""
        albums = np.maximum(self.newest_album(artists, day) - _newer.at(shares), 0)
        return artists * _ALBUMS_AN_ARTIST + albums

    def length(self, albums: Numbers) -> Numbers:
        """How many tracks each album has."""
        spread = ALBUM_TRACKS_MAX - ALBUM_TRACKS_MIN + 1
        return ALBUM_TRACKS_MIN + self._chance.below(spread, "length", albums)

    def in_order(self, albums: Numbers, places: Numbers) -> Numbers:
        """Codes of the tracks at `places` of `albums`, from 0; it wraps around after the last."""
        return albums * _TRACKS_AN_ALBUM + places % self.length(albums)

    def hit(self, albums: Numbers, shares: Shares) -> Numbers:
        """A track of each album; `shares` choose, a few hits far more often."""
        length = self.length(albums)
        best = self._chance.below(length, "hit", albums)
        return self.in_order(albums, best + _hits.at(shares) % length)

    def duration_ms(self, tracks: Numbers) -> Numbers:
        """Length of each track, in ms."""
        spread = DURATION_MAX_MS - DURATION_MIN_MS
        return DURATION_MIN_MS + self._chance.below(spread, "duration", tracks)

    def _track(self, code: int) -> SimulatedTrack:
        album, place = divmod(code, _TRACKS_AN_ALBUM)
        artist, number = divmod(album, _ALBUMS_AN_ARTIST)
        artist_name = two_words(self._first_name + artist)
        within_artist = (
            self._first_name + artist * _NAMES_AN_ARTIST + number * (_TRACKS_AN_ALBUM + 1)
        )
        track_name = two_words(within_artist + 1 + place)
        return SimulatedTrack(
            track_id=str(track_id_of(artist_name, track_name)),
            artist_id=artist_id_of(artist_name),
            artist_name=artist_name,
            track_name=track_name,
            release_name=two_words(within_artist),
        )
