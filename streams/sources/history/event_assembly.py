"""From plays in order of time to events: ids, repeats of exports that overlap, bounds.

An event id counts exact equals within one export, from 0. The same play in last year's export
and in this year's gets the same id thereby, and two equal rows of one export stay two. The track
counts by the source's own id where there is one, since services rename songs.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from pydantic import ValidationError

from streams.sources.files import Part
from streams.sources.plays import BadRow, HistoryRow, Ignored, Play
from topics.identity import artist_id_of, event_id_of, track_id_of
from topics.listening_event import LATEST_AHEAD_MS, EventKind, ListeningEvent

IDS_REMEMBERED = 50_000
AT_ONE_TIME_MAX = 1_000_000
"""So many different plays of one millisecond are told apart; more are bad rows."""
REPEATED = "in another of the files already"
SPOTIFY = "spotify:"
"""A Spotify URI is the same track whatever file it stands in."""
BROKEN_TEXT = "holds a NUL character or broken UTF-8"

_track_id_of = lru_cache(IDS_REMEMBERED)(track_id_of)
_artist_id_of = lru_cache(IDS_REMEMBERED)(artist_id_of)

_PlayKey = tuple[str, str, str, int | None]


class Repeats:
    """Numbers equal plays within an export; knows those that an earlier export told.

    Plays come in order of time, then export, so that it remembers those of one time only.
    """

    def __init__(self) -> None:
        self._listened_at: int | None = None
        self._export = -1
        self._told: dict[_PlayKey, int] = {}
        self._in_export: dict[_PlayKey, int] = {}

    def ordinal_of(self, export: int, listened_at: int, key: _PlayKey) -> int | None:
        """Which of its equals this is, from 0; None: an earlier export told it already."""
        if listened_at != self._listened_at:
            self._listened_at, self._told = listened_at, {}
            self._export = -1
        if export != self._export:
            self._export, self._in_export = export, {}
        ordinal = self._in_export.get(key, 0)
        self._in_export[key] = ordinal + 1
        if ordinal < self._told.get(key, 0):
            return None
        self._told[key] = ordinal + 1
        return ordinal

    @property
    def is_full(self) -> bool:
        """Whether the bound of what is remembered is reached."""
        return len(self._told) >= AT_ONE_TIME_MAX


def assembled(plays: Iterable[Play], parts: Sequence[Part], *, now_ms: int) -> Iterator[HistoryRow]:
    """Events of `plays`, which are in order; what cannot be one becomes a `BadRow`."""
    repeats = Repeats()
    latest = now_ms + LATEST_AHEAD_MS
    for play in plays:
        part = parts[play.part]
        try:
            yield _row_of(play, part, repeats, latest)
        except ValidationError as error:
            yield BadRow(part.name, play.row, reason_of(error))
        except UnicodeEncodeError:
            yield BadRow(part.name, play.row, BROKEN_TEXT)


def _row_of(play: Play, part: Part, repeats: Repeats, latest: int) -> HistoryRow:
    track_id = _track_of(play)
    if track_id is None:
        return BadRow(part.name, play.row, "no track: neither an id nor a name")
    if play.listened_at > latest:
        return BadRow(part.name, play.row, "listened_at: lies in the future")
    if repeats.is_full:
        return BadRow(part.name, play.row, "listened_at: too many plays at exactly this time")
    told_as = play.source_track_id or track_id
    key = (play.source, play.listener_id, told_as, play.ms_played)
    ordinal = repeats.ordinal_of(part.export, play.listened_at, key)
    if ordinal is None:
        return Ignored(REPEATED, part.name)
    event_id = event_id_of(*key[:3], play.listened_at, play.ms_played, ordinal)
    return _event_of(play, track_id, event_id)


def _track_of(play: Play) -> str | None:
    source, own_id = play.source, play.source_track_id or play.track_name
    if own_id and own_id.startswith(SPOTIFY):
        source, own_id = own_id.split(":", 1)
    return _track_id_of(
        play.artist_name,
        play.track_name,
        recording_mbid=play.recording_mbid,
        source=source,
        source_track_id=own_id,
    )


def _artist_of(play: Play) -> str | None:
    if play.artist_name:
        return _artist_id_of(play.artist_name)
    return f"{play.source}:{play.source_artist_id}" if play.source_artist_id else None


def _event_of(play: Play, track_id: str, event_id: str) -> ListeningEvent:
    return ListeningEvent(
        event_id=event_id,
        listener_id=play.listener_id,
        kind=EventKind.LISTEN,
        source=play.source,
        track_id=track_id,
        artist_id=_artist_of(play),
        artist_name=play.artist_name,
        track_name=play.track_name,
        release_name=play.release_name,
        source_track_id=play.source_track_id,
        listened_at=play.listened_at,
        ms_played=play.ms_played,
        duration_ms=play.duration_ms,
        reason_end=play.reason_end,
    )


def reason_of(error: ValidationError) -> str:
    """What a person is told of a row that breaks a bound of `ListeningEvent`."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "string_pattern_mismatch":
        return f"{first['loc'][0]}: {BROKEN_TEXT}"
    return f"{first['loc'][0]}: {first['msg']}"
