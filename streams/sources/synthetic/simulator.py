"""Generates the events of a town: sessions by hour of day, favourites, albums in order, skips.

It contains no real person and no real music. A day depends only on (seed, listeners, day), so that
generation can start at any day. Memory holds one day (about 3 kB per listener) and a cache of
recently played tracks.
"""

from collections.abc import Iterator
from itertools import count

from streams.sources.synthetic.music import SimulatedMusic
from streams.sources.synthetic.names import listener_name
from streams.sources.synthetic.play_maker import PlayMaker
from streams.sources.synthetic.sessions import DAY_BEGINS_MS, DAY_MS
from topics.errors import EchoTuneError
from topics.identity import event_id_of
from topics.listening_event import EventKind, ListeningEvent

SOURCE = "simulator"
LISTENERS_MAX = 200_000
"""Bounds memory: a day of this number of listeners takes 600 MB."""
_SKIPPED, _COMPLETED = "fwdbtn", "trackdone"


class Simulator:
    """A town of `listeners` whose time begins at `start_ms`; equal seeds give equal events.

    Raises `EchoTuneError` unless there are 1 to `LISTENERS_MAX` listeners.

    >>> town = Simulator(seed=1, listeners=3, start_ms=1_100_000_000_000)
    >>> events = [next(town.events(position)).event_id for position in range(5)]
    >>> events == [event.event_id for event, _ in zip(town.events(), range(5))]
    True
    """

    def __init__(self, seed: int, listeners: int, start_ms: int) -> None:
        if not 1 <= listeners <= LISTENERS_MAX:
            raise EchoTuneError(
                f"A simulated town cannot have {listeners} listeners.",
                f"Ask for 1 to {LISTENERS_MAX:,}.",
            )
        self._names = [listener_name(listener) for listener in range(listeners)]
        self._music = SimulatedMusic(seed)
        self._plays = PlayMaker(seed, listeners, self._music)
        self._began_ms = start_ms + (DAY_BEGINS_MS - start_ms) % DAY_MS

    def events(self, position: int = 0) -> Iterator[ListeningEvent]:
        """Events in order of time, without end, from event number `position`.

        Earlier days are only counted: skipping 10,000,000 events of 500 listeners takes a second.
        """
        day = 0
        while position >= (plays := self._plays.count(day)):
            position -= plays
            day += 1
        yield from self.day(day, position)
        for later in count(day + 1):
            yield from self.day(later)

    def day(self, day: int, position: int = 0) -> Iterator[ListeningEvent]:
        """The events of one day in order of time, from its event number `position`."""
        plays = self._plays.on(day)
        began_ms = self._began_ms + day * DAY_MS
        for row in plays.rows(position):
            yield self._event(began_ms, *row)

    def _event(
        self,
        began_ms: int,
        since_ms: int,
        listener: int,
        code: int,
        ms_played: int,
        duration_ms: int,
        is_skipped: bool,
    ) -> ListeningEvent:
        listener_id, track = self._names[listener], self._music.track(code)
        listened_at = began_ms + since_ms
        return ListeningEvent.model_construct(
            event_id=event_id_of(SOURCE, listener_id, track.track_id, listened_at, ms_played),
            listener_id=listener_id,
            kind=EventKind.LISTEN,
            source=SOURCE,
            track_id=track.track_id,
            artist_id=track.artist_id,
            artist_name=track.artist_name,
            track_name=track.track_name,
            release_name=track.release_name,
            source_track_id=None,
            listened_at=listened_at,
            ms_played=ms_played,
            duration_ms=duration_ms,
            reason_end=_SKIPPED if is_skipped else _COMPLETED,
            context=None,
            recommendation_id=None,
        )
