"""A town of generated listeners: sessions by hour of day, favourites, albums in order, skips.

No real person and no real music is in it. A day follows from (seed, day) alone, so that a town
can be entered at any day; memory is that of one day.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate
from random import Random
from typing import NamedTuple

from streams.sources.simulated_music import (
    ARTISTS_A_GENRE,
    GENRES,
    SimulatedAlbum,
    SimulatedMusic,
    SimulatedTrack,
)
from topics.identity import event_id_of
from topics.listening_event import EventKind, ListeningEvent

SOURCE = "simulator"
DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
SESSIONS_A_DAY = 3
PLAYS_A_SESSION = 12
FAVOURITES = 40
FAVOURITES_REMEMBERED = 1 << 17
PERIOD_DAYS = 14
"""Tastes drift: in each period an eighth of a listener's favourites changes."""
PERIODS_A_FAVOURITE = 8
TASTES = 3
"""Genres that a listener likes at a time."""
SKIPPED_SHARE = {"favourites": 0.05, "album": 0.08, "discovery": 0.3}
_HOURS = (1, 1, 0, 0, 0, 1, 3, 6, 8, 7, 6, 6, 7, 6, 5, 5, 6, 8, 9, 10, 10, 9, 6, 3)
"""How likely a session begins at each hour of the day."""
_HOUR_WEIGHTS = list(accumulate(_HOURS))
_FIRST_NAMES = ("ada", "ben", "cleo", "dov", "eda", "finn", "gus", "hana", "ivo", "june", "kai")
_LAST_NAMES = ("alder", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "pine")


class _Play(NamedTuple):
    """A play before it becomes an event."""

    at_ms: int
    listener: int
    track: SimulatedTrack
    ms_played: int
    reason_end: str


class Simulator:
    """A town of `listeners` whose time begins at `start_ms`; the same seed, the same events.

    >>> town = Simulator(seed=1, listeners=3, start_ms=1_100_000_000_000)
    >>> day = list(town.day(0))
    >>> day == list(Simulator(seed=1, listeners=3, start_ms=1_100_000_000_000).day(0))
    True
    """

    def __init__(self, seed: int, listeners: int, start_ms: int) -> None:
        self._seed = seed
        self._start_ms = start_ms
        self._music = SimulatedMusic(seed)
        self._names = [_name(listener) for listener in range(listeners)]
        self._favourite = lru_cache(FAVOURITES_REMEMBERED)(self._chosen_favourite)
        self._genre = lru_cache(FAVOURITES_REMEMBERED)(self._chosen_genre)

    def events(self, day: int = 0) -> Iterator[ListeningEvent]:
        """Events in order of time from the beginning of `day` on, without end."""
        while True:
            yield from self.day(day)
            day += 1

    def day(self, day: int) -> Iterator[ListeningEvent]:
        """The events of one day, in order of time."""
        chance = Random(f"{self._seed}/{day}")
        plays = [
            play
            for listener in range(len(self._names))
            for _ in range(chance.randint(0, 2 * SESSIONS_A_DAY))
            for play in self._session(chance, listener, day)
        ]
        plays.sort(key=lambda play: (play.at_ms, play.listener))
        for play in plays:
            yield self._event(play)

    # -- sessions ------------------------------------------------------------------------------

    def _session(self, chance: Random, listener: int, day: int) -> Iterator[_Play]:
        [hour] = chance.choices(range(24), cum_weights=_HOUR_WEIGHTS)
        midnight_ms = self._start_ms + (day + 1) * DAY_MS
        at_ms = self._start_ms + day * DAY_MS + hour * _HOUR_MS + chance.randrange(_HOUR_MS)
        kind = chance.choices(("favourites", "album", "discovery"), (0.45, 0.35, 0.2))[0]
        for track in self._tracks(chance, kind, listener, day):
            if at_ms >= midnight_ms:
                return
            is_skipped = chance.random() < SKIPPED_SHARE[kind]
            heard_ms = chance.randrange(2_000, 30_000) if is_skipped else track.duration_ms
            reason = "fwdbtn" if is_skipped else "trackdone"
            yield _Play(at_ms, listener, track, heard_ms, reason)
            at_ms += heard_ms + chance.randrange(1_500)

    def _tracks(
        self, chance: Random, kind: str, listener: int, day: int
    ) -> Iterator[SimulatedTrack]:
        if kind == "album":
            yield from self._album(chance, listener, day).tracks
            return
        for _ in range(chance.randint(1, 2 * PLAYS_A_SESSION)):
            if kind == "favourites":
                slot = min(chance.randrange(FAVOURITES) for _ in range(2))
                yield self._favourite(listener, slot, day // PERIOD_DAYS)
            else:
                yield chance.choice(self._album(chance, listener, day).tracks)

    def _album(self, chance: Random, listener: int, day: int) -> SimulatedAlbum:
        """An album of a genre the listener likes now; famous artists and new albums first."""
        genre = self._genre(listener, chance.randrange(TASTES), day // PERIOD_DAYS)
        artist = min(chance.randrange(ARTISTS_A_GENRE) for _ in range(3))
        albums = self._music.artists[genre][artist]
        released = [album for album in albums if album.released <= day] or albums[:1]
        return released[max(chance.randrange(len(released)) for _ in range(2))]

    def _chosen_genre(self, listener: int, taste: int, period: int) -> int:
        """Tastes change one after another, the first one soonest."""
        since = period // (4 * (taste + 1))
        return Random(f"{self._seed}/{listener}/{taste}/{since}").randrange(GENRES)

    def _chosen_favourite(self, listener: int, slot: int, period: int) -> SimulatedTrack:
        """A favourite, the first slots being played most; each stays for some periods."""
        since = (period + slot) // PERIODS_A_FAVOURITE
        began = max(0, since * PERIODS_A_FAVOURITE - slot)
        pick = Random(f"{self._seed}/{listener}/favourite/{slot}/{since}")
        return pick.choice(self._album(pick, listener, began * PERIOD_DAYS).tracks)

    # -- events --------------------------------------------------------------------------------

    def _event(self, play: _Play) -> ListeningEvent:
        listener_id, track = self._names[play.listener], play.track
        return ListeningEvent.model_construct(
            event_id=event_id_of(SOURCE, listener_id, track.track_id, play.at_ms, play.ms_played),
            listener_id=listener_id,
            kind=EventKind.LISTEN,
            source=SOURCE,
            track_id=track.track_id,
            artist_id=track.artist_id,
            artist_name=track.artist_name,
            track_name=track.track_name,
            release_name=track.release_name,
            source_track_id=None,
            listened_at=play.at_ms,
            ms_played=play.ms_played,
            duration_ms=track.duration_ms,
            reason_end=play.reason_end,
            context=None,
            recommendation_id=None,
        )


def _name(listener: int) -> str:
    first = _FIRST_NAMES[listener % len(_FIRST_NAMES)]
    return f"{first}-{_LAST_NAMES[listener // len(_FIRST_NAMES) % len(_LAST_NAMES)]}-{listener}"
