"""Chooses the tracks that a session plays; each kind of session has its own method."""

from typing import NamedTuple

import numpy as np

from streams.sources.synthetic.chance import Chance, Numbers, Shares, zipf
from streams.sources.synthetic.music import SimulatedMusic
from streams.sources.synthetic.sessions import SessionKind, Sessions
from streams.sources.synthetic.tastes import CHART, FAVOURITES, Tastes

_favourites = zipf(FAVOURITES, flat=2)
_chart = zipf(CHART, flat=1)


class Rows(NamedTuple):
    """Columns with a row for each play of a day, session by session."""

    day: int
    session: Sessions
    """The columns of each play's session."""
    number: Numbers
    """Number of the play within its session, from 0."""

    @classmethod
    def of(cls, day: int, sessions: Sessions) -> "Rows":
        """A row for each play of `sessions`."""
        index = np.repeat(np.arange(len(sessions.plays)), sessions.plays)
        began = np.cumsum(sessions.plays) - sessions.plays
        session = Sessions._make(column[index] for column in sessions)
        return cls(day, session, np.arange(len(index)) - began[index])

    def at(self, index: Numbers) -> "Rows":
        """The rows at `index`."""
        session = Sessions._make(column[index] for column in self.session)
        return Rows(self.day, session, self.number[index])

    def share(self, chance: Chance, what: str) -> Shares:
        """A uniform draw in [0, 1) for each play."""
        session = self.session
        return chance.share(what, self.day, session.listeners, session.parts, self.number)


class TrackChooser:
    """Chooses a track for each row."""

    def __init__(self, seed: int, music: SimulatedMusic, tastes: Tastes) -> None:
        self._chance = Chance(seed)
        self._music = music
        self._tastes = tastes
        self._choosers = {
            SessionKind.FAVOURITES: self._favourites,
            SessionKind.PLAYLIST: self._playlist,
            SessionKind.ALBUM: self._album,
            SessionKind.ARTIST: self._artist,
            SessionKind.GENRE: self._genre,
            SessionKind.CHARTS: self._charts,
        }

    def tracks(self, rows: Rows) -> Numbers:
        """The track of each row."""
        tracks = np.empty(len(rows.number), np.int64)
        for kind, choose in self._choosers.items():
            index = np.flatnonzero(rows.session.kinds == kind)
            tracks[index] = choose(rows.at(index))
        return tracks

    def _favourites(self, rows: Rows) -> Numbers:
        slots = _favourites.at(rows.share(self._chance, "favourite"))
        return self._tastes.favourite(rows.session.listeners, slots, rows.day)

    def _playlist(self, rows: Rows) -> Numbers:
        listeners = rows.session.listeners
        first = self._chance.below(FAVOURITES, "playlist", rows.day, listeners, rows.session.parts)
        slots = (first + rows.number) % FAVOURITES
        return self._tastes.favourite(listeners, slots, rows.day)

    def _album(self, rows: Rows) -> Numbers:
        return self._music.in_order(rows.session.albums, rows.number)

    def _artist(self, rows: Rows) -> Numbers:
        return self._hits(rows, rows.session.artists)

    def _genre(self, rows: Rows) -> Numbers:
        session = rows.session
        keys = (np.array([rows.day]), session.parts, rows.number)
        return self._hits(rows, self._tastes.artist(session.listeners, session.genres, *keys))

    def _hits(self, rows: Rows, artists: Numbers) -> Numbers:
        albums = self._music.album(artists, rows.day, rows.share(self._chance, "hit's album"))
        return self._music.hit(albums, rows.share(self._chance, "hit"))

    def _charts(self, rows: Rows) -> Numbers:
        slots = _chart.at(rows.share(self._chance, "chart"))
        return self._tastes.chart(slots, rows.day)
