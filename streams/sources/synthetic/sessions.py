"""Makes the sessions of one day as columns: when listeners listen, and to what kind of music.

A day begins at four in the morning and has eight parts of three hours. A listener has at most one
session in a part, which ends within it. No listener therefore plays two tracks at the same time,
and no session extends into the next day.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from streams.sources.synthetic.chance import Chance, Numbers, Shares, Weighted
from streams.sources.synthetic.music import SimulatedMusic
from streams.sources.synthetic.tastes import Tastes

DAY_MS = 86_400_000
DAY_BEGINS_MS = 4 * 3_600_000
"""Beginning of a day, in ms after midnight UTC; few listeners are active then."""
PARTS = 8
PART_MS = DAY_MS // PARTS
PART_SHARES = np.array((0.06, 0.42, 0.33, 0.33, 0.48, 0.62, 0.35, 0.08))
"""Probability that an active listener has a session in each part of the day."""
ACTIVITY_MIN = 0.2
"""Activity of the least active listener; the most active one has 1."""
WEEKEND_FACTOR = 1.25
SATURDAY = 5
PLAYS_A_SESSION_MAX = 24
ALBUM_PLAYED_MIN = 0.4
"""Minimum share of an album that an album session plays."""


class SessionKind(IntEnum):
    """Where a session's tracks come from."""

    FAVOURITES = 0
    """The listener's favourites at random, weighted by preference."""
    PLAYLIST = 1
    """The listener's favourites in their order."""
    ALBUM = 2
    """An album from its first track."""
    ARTIST = 3
    """The hits of one artist."""
    GENRE = 4
    """The hits of one genre."""
    CHARTS = 5
    """The charts of all listeners."""


_kinds = Weighted((32, 14, 22, 10, 8, 14))


class Sessions(NamedTuple):
    """Columns of a day's sessions, in the order of listeners, then of parts."""

    listeners: Numbers
    parts: Numbers
    kinds: Numbers
    genres: Numbers
    artists: Numbers
    albums: Numbers
    """Used only by kinds of sessions that need an album."""
    plays: Numbers


class SessionMaker:
    """Makes the sessions of any day, in a few hundred ns per session."""

    def __init__(self, seed: int, listeners: int, music: SimulatedMusic, tastes: Tastes) -> None:
        self._chance = Chance(seed)
        self._music = music
        self._tastes = tastes
        self._listeners = np.arange(listeners)[:, None]
        self._shares = self._habits()

    def on(self, day: int) -> Sessions:
        """The sessions of `day`."""
        listeners, parts = self._active(day)
        keys = (np.array([day]), parts)
        kinds = _kinds.at(self._chance.share("kind", listeners, *keys))
        genres = self._tastes.genre(listeners, day, *keys)
        artists = self._tastes.artist(listeners, genres, *keys)
        chosen = self._chance.share("album", listeners, *keys)
        albums = self._music.album(artists, day, chosen)
        length = self._chance.share("plays", listeners, *keys)
        plays = np.where(
            kinds == SessionKind.ALBUM,
            self._album_plays(albums, length),
            1 + (length * PLAYS_A_SESSION_MAX).astype(np.int64),
        )
        return Sessions(listeners, parts, kinds, genres, artists, albums, plays)

    def _habits(self) -> Shares:
        """[listeners, parts]: probability of a session; each listener has their own habits."""
        activity = self._chance.share("activity", self._listeners)
        habit = 0.4 + 1.2 * self._chance.share("habit", self._listeners, np.arange(PARTS))
        return np.asarray((ACTIVITY_MIN + (1 - ACTIVITY_MIN) * activity) * habit * PART_SHARES)

    def _active(self, day: int) -> tuple[Numbers, Numbers]:
        factor = WEEKEND_FACTOR if day % 7 >= SATURDAY else 1.0
        drawn = self._chance.share("session", self._listeners, day, np.arange(PARTS))
        listeners, parts = np.nonzero(drawn < self._shares * factor)
        return listeners, parts

    def _album_plays(self, albums: Numbers, shares: Shares) -> Numbers:
        """Number of tracks played; at least half of the sessions play the album to its end."""
        played = np.minimum(ALBUM_PLAYED_MIN + 1.2 * shares, 1.0)
        return np.ceil(self._music.length(albums) * played).astype(np.int64)
