"""Listeners' preferences: genres, artists and favourites, which drift over the days."""

import numpy as np
from numpy.typing import NDArray

from streams.sources.synthetic.chance import Chance, Numbers, Weighted, zipf
from streams.sources.synthetic.music import ARTISTS_A_GENRE, GENRES, SimulatedMusic

TASTE_WEIGHTS = (12, 5, 3)
"""Weights of a listener's first, second and third genre."""
TASTE_LASTS_DAYS = 90
"""How long the least liked genre stays; the first one stays three times as long."""
FAVOURITES = 64
FAVOURITE_LASTS_DAYS = 120
FAME_SHARE = 0.5
"""Share of choices by popularity; the others are among the listener's own artists."""
CHART = 40
CHART_LASTS_DAYS = 21
DISLIKED_SHARE = 0.08
"""Share of all tracks that a listener dislikes; it is a different set for each listener."""

_tastes = Weighted(TASTE_WEIGHTS)
_artists = zipf(ARTISTS_A_GENRE)
_THE_TOWN = np.array([-1])
"""Pseudo-listener whose favourites are the charts."""


class Tastes:
    """The preferences of all listeners; methods accept arrays of equal shape, or numbers."""

    def __init__(self, seed: int, music: SimulatedMusic) -> None:
        self._chance = Chance(seed)
        self._music = music

    def genre(self, listeners: Numbers, day: Numbers | int, *keys: Numbers) -> Numbers:
        """A genre that each listener likes on `day`; `keys` distinguish choices."""
        taste = _tastes.at(self._chance.share("taste", listeners, *keys))
        lasts = TASTE_LASTS_DAYS * (len(TASTE_WEIGHTS) - taste)
        since = (day + self._chance.below(lasts, "taste began", listeners, taste)) // lasts
        return self._chance.below(GENRES, "genre", listeners, taste, since)

    def artist(self, listeners: Numbers, genres: Numbers, *keys: Numbers) -> Numbers:
        """An artist of each genre: a famous one, or one of the listener's own."""
        place = _artists.at(self._chance.share("artist", listeners, *keys))
        own_first = self._chance.below(ARTISTS_A_GENRE, "own artists", listeners, genres)
        is_own = self._chance.share("fame", listeners, *keys) >= FAME_SHARE
        return genres * ARTISTS_A_GENRE + (place + own_first * is_own) % ARTISTS_A_GENRE

    def favourite(self, listeners: Numbers, slots: Numbers, day: int) -> Numbers:
        """The tracks in these `slots` of each listener's favourites on `day`."""
        return self._lasting(listeners, slots, day, FAVOURITE_LASTS_DAYS)

    def chart(self, slots: Numbers, day: int) -> Numbers:
        """The tracks in these places of the charts of all listeners on `day`."""
        return self._lasting(_THE_TOWN, slots, day, CHART_LASTS_DAYS)

    def _lasting(self, listeners: Numbers, slots: Numbers, day: int, days: int) -> Numbers:
        """Tracks chosen when the slot was last filled; each slot is refilled every `days` days."""
        age = (day + self._chance.below(days, "filled", listeners, slots)) % days
        filled = day - age
        keys = (slots, filled)
        genres = self.genre(listeners, filled, *keys)
        artists = self.artist(listeners, genres, *keys)
        albums = self._music.album(artists, filled, self._chance.share("album", listeners, *keys))
        return self._music.hit(albums, self._chance.share("hit", listeners, *keys))

    def is_disliked(self, listeners: Numbers, tracks: Numbers) -> NDArray[np.bool_]:
        """Whether each listener dislikes, and mostly skips, each track."""
        return self._chance.share("dislike", listeners, tracks) < DISLIKED_SHARE
