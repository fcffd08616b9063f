"""When a town listens, and to what kind of music: the sessions of one day, as columns.

A day begins at four in the morning and has eight parts of three hours. A listener has at most
one session in a part, which ends within it: so no one hears two tracks at once, and no session
reaches into the next day.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from streams.sources.town.chance import Chance, Numbers, Shares, Weighted
from streams.sources.town.music import SimulatedMusic
from streams.sources.town.tastes import Tastes

DAY_MS = 86_400_000
DAY_BEGINS_MS = 4 * 3_600_000
"""After midnight, UTC, when nearly all sleep."""
PARTS = 8
PART_MS = DAY_MS // PARTS
PART_SHARES = np.array((0.06, 0.42, 0.33, 0.33, 0.48, 0.62, 0.35, 0.08))
"""How likely an active listener has a session in each part, from 4 in the morning on."""
ACTIVITY_MIN = 0.2
"""Of the least active listener; the most active has 1."""
WEEKEND_FACTOR = 1.25
SATURDAY = 5
PLAYS_A_SESSION_MAX = 24
ALBUM_HEARD_MIN = 0.4
"""The smallest part of an album that a session of it plays."""


class SessionKind(IntEnum):
    """Where a session's tracks come from."""

    FAVOURITES = 0
    """The listener's own, at random, the dearest most."""
    PLAYLIST = 1
    """The listener's own, in their order."""
    ALBUM = 2
    """From the first track on."""
    ARTIST = 3
    """The hits of one artist."""
    GENRE = 4
    """The hits of one genre."""
    CHARTS = 5
    """What the whole town hears."""


_kinds = Weighted((32, 14, 22, 10, 8, 14))


class Sessions(NamedTuple):
    """Columns of a day's sessions, in the order of listeners, then of parts."""

    listeners: Numbers
    parts: Numbers
    kinds: Numbers
    genres: Numbers
    artists: Numbers
    albums: Numbers
    """Read where the kind needs them."""
    plays: Numbers


class SessionMaker:
    """Makes the sessions of any day, at the cost of some hundred ns a session."""

    def __init__(self, seed: int, listeners: int, music: SimulatedMusic, tastes: Tastes) -> None:
        self._chance = Chance(seed)
        self._music = music
        self._tastes = tastes
        self._listeners = np.arange(listeners)[:, None]
        self._shares = self._habits()

    def on(self, day: int) -> Sessions:
        """The sessions of `day`."""
        listeners, parts = self._who_listens(day)
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
        """[listeners, parts]: how likely a session is; no two listeners have the same hours."""
        activity = self._chance.share("activity", self._listeners)
        habit = 0.4 + 1.2 * self._chance.share("habit", self._listeners, np.arange(PARTS))
        return np.asarray((ACTIVITY_MIN + (1 - ACTIVITY_MIN) * activity) * habit * PART_SHARES)

    def _who_listens(self, day: int) -> tuple[Numbers, Numbers]:
        factor = WEEKEND_FACTOR if day % 7 >= SATURDAY else 1.0
        drawn = self._chance.share("session", self._listeners, day, np.arange(PARTS))
        listeners, parts = np.nonzero(drawn < self._shares * factor)
        return listeners, parts

    def _album_plays(self, albums: Numbers, shares: Shares) -> Numbers:
        """More than half hear an album to its end."""
        heard = np.minimum(ALBUM_HEARD_MIN + 1.2 * shares, 1.0)
        return np.ceil(self._music.length(albums) * heard).astype(np.int64)
