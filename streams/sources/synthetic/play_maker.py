"""Makes the plays of a day from its sessions, in order of time, as columns."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.sources.synthetic.chance import Chance, Numbers
from streams.sources.synthetic.music import SimulatedMusic
from streams.sources.synthetic.sessions import PART_MS, SessionMaker, Sessions
from streams.sources.synthetic.tastes import Tastes
from streams.sources.synthetic.track_chooser import Rows, TrackChooser

SKIPPED_SHARES = np.array((0.03, 0.03, 0.05, 0.1, 0.2, 0.15))
"""Share of skipped plays, by kind of session."""
DISLIKED_SKIPPED_SHARE = 0.8
SKIPPED_MIN_MS, SKIPPED_MAX_MS = 2_000, 30_000
PAUSE_MAX_MS = 2_000
_ROWS_AT_ONCE = 4_096


class Plays(NamedTuple):
    """Columns of a day's plays, in order of time."""

    since_ms: Numbers
    """Start of the play, in ms since the beginning of the day."""
    listeners: Numbers
    tracks: Numbers
    ms_played: Numbers
    duration_ms: Numbers
    is_skipped: NDArray[np.bool_]

    def at(self, index: Numbers | slice) -> "Plays":
        """The plays at `index`."""
        return Plays._make(column[index] for column in self)

    def rows(self, first: int) -> Iterator[tuple[Any, ...]]:
        """The plays from number `first` on, each as a tuple of Python numbers."""
        for begin in range(first, len(self.tracks), _ROWS_AT_ONCE):
            chunk = self.at(slice(begin, begin + _ROWS_AT_ONCE))
            yield from zip(*(column.tolist() for column in chunk), strict=True)


class PlayMaker:
    """Makes the plays of any day; it has no state between days."""

    def __init__(self, seed: int, listeners: int, music: SimulatedMusic) -> None:
        self._chance = Chance(seed)
        self._music = music
        self._tastes = Tastes(seed, music)
        self._sessions = SessionMaker(seed, listeners, music, self._tastes)
        self._chooser = TrackChooser(seed, music, self._tastes)

    def count(self, day: int) -> int:
        """Number of plays of `day`; much cheaper than making them."""
        return int(self._sessions.on(day).plays.sum())

    def on(self, day: int) -> Plays:
        """The plays of `day`."""
        sessions = self._sessions.on(day)
        rows = Rows.of(day, sessions)
        tracks = self._chooser.tracks(rows)
        duration_ms = self._music.duration_ms(tracks)
        is_skipped = self._is_skipped(rows, tracks)
        ms_played = np.where(is_skipped, self._skipped_ms(rows), duration_ms)
        since_ms = self._times(sessions, rows, ms_played)
        plays = Plays(since_ms, rows.session.listeners, tracks, ms_played, duration_ms, is_skipped)
        return plays.at(np.lexsort((plays.listeners, plays.since_ms)))

    def _is_skipped(self, rows: Rows, tracks: Numbers) -> NDArray[np.bool_]:
        disliked = self._tastes.is_disliked(rows.session.listeners, tracks)
        usual = SKIPPED_SHARES[rows.session.kinds]
        share = np.where(disliked, DISLIKED_SKIPPED_SHARE, usual)
        return np.asarray(rows.share(self._chance, "skip") < share)

    def _skipped_ms(self, rows: Rows) -> Numbers:
        return SKIPPED_MIN_MS + self._upto_ms(SKIPPED_MAX_MS - SKIPPED_MIN_MS, "skip at", rows)

    def _upto_ms(self, limit_ms: int, what: str, rows: Rows) -> Numbers:
        return (rows.share(self._chance, what) * limit_ms).astype(np.int64)

    def _times(self, sessions: Sessions, rows: Rows, ms_played: Numbers) -> Numbers:
        """Start of each play: after the previous one, and within its session's part of the day.

        A session takes 24 x 332 s at most, which is below the three hours of a part.
        """
        taken_ms = ms_played + self._upto_ms(PAUSE_MAX_MS, "pause", rows)
        ends_ms = np.append(0, np.cumsum(taken_ms))
        ends = np.cumsum(sessions.plays)
        begins_ms = ends_ms[ends - sessions.plays]
        free_ms = PART_MS - (ends_ms[ends] - begins_ms)
        keys = (rows.day, sessions.listeners, sessions.parts)
        wait_ms = (self._chance.share("begins", *keys) * free_ms).astype(np.int64)
        shift_ms = sessions.parts * PART_MS + wait_ms - begins_ms
        return np.asarray(ends_ms[:-1] + np.repeat(shift_ms, sessions.plays))
