"""Makes events of sorted plays: assigns ids, drops repeats of overlapping exports, checks bounds.

An event id contains an ordinal, from 0, among exactly equal plays of one export. The same play in
two exports therefore has the same id, and two equal rows of one export stay two events. The id uses
the source's own track id if there is one, because services rename songs.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from pydantic import ValidationError

from streams.sources.files import Part
from streams.sources.formats.cell_values import known_names
from streams.sources.plays import BadRow, HistoryRow, Ignored, Play
from topics.identity import artist_id_of, event_id_of, track_id_of
from topics.listening_event import (
    EARLIEST_LISTENED_AT_MS,
    ID_LENGTH_MAX,
    LATEST_AHEAD_MS,
    EventKind,
    ListeningEvent,
)
from topics.recommendation_list import EVERYONE

IDS_CACHED = 50_000
AT_ONE_TIME_MAX = 1_000_000
"""Maximum number of different plays of one millisecond; more are bad rows."""
REPEATED = "in another of the files already"
NEAR_MS = 60_000
"""Maximum distance of one play in two files, as in the deduplication window."""
TABLE = "history"
"""The source of tables."""
SPOTIFY = "spotify:"
"""Prefix of a Spotify URI, which identifies the same track in every file."""
BROKEN_TEXT = "holds a NUL character or broken UTF-8"

_track_id_of = lru_cache(IDS_CACHED)(track_id_of)
_artist_id_of = lru_cache(IDS_CACHED)(artist_id_of)

_PlayKey = tuple[str, str, str, int | None]
_Export = tuple[str, int]


class RepeatedPlays:
    """Numbers equal plays within an export; recognises those of an earlier export.

    An export is a path, or one table, because two tables in one folder may have the same plays.
    Plays arrive in order of time, then export. It therefore keeps the plays of one time only.
    """

    def __init__(self) -> None:
        self._listened_at: int | None = None
        self._in_any_export: dict[_PlayKey, int] = {}
        self._in_export: dict[tuple[_Export, _PlayKey], int] = {}

    def ordinal_of(self, export: _Export, listened_at: int, key: _PlayKey) -> int | None:
        """Ordinal among equal plays, from 0; None if an earlier export contains this play."""
        if listened_at != self._listened_at:
            self._listened_at, self._in_any_export, self._in_export = listened_at, {}, {}
        ordinal = self._in_export.get((export, key), 0)
        self._in_export[export, key] = ordinal + 1
        if ordinal < self._in_any_export.get(key, 0):
            return None
        self._in_any_export[key] = ordinal + 1
        return ordinal

    @property
    def is_full(self) -> bool:
        """Whether `AT_ONE_TIME_MAX` different plays of the current time are kept."""
        return len(self._in_export) >= AT_ONE_TIME_MAX


class PlaysElsewhere:
    """Recognises plays that another scrobbler reported within a minute (near duplicates).

    A scrobbler is a service's export, or one table, because a table does not state who wrote it.
    Plays arrive in order of time, so it keeps the plays of the last minute only. Plays of one time
    and source are left to `RepeatedPlays`, which counts them.
    """

    def __init__(self) -> None:
        self._recent: deque[tuple[int, tuple[str, str]]] = deque()
        self._of: dict[tuple[str, str], list[tuple[str, int, object]]] = {}

    def has(self, play: Play, track_id: str, part: Part) -> bool:
        """Whether another scrobbler has this play already; keeps it otherwise."""
        at_ms = play.listened_at
        self._forget(at_ms - NEAR_MS)
        key = (play.listener_id, track_id)
        scrobbler = part.number if play.source == TABLE else (play.source, part.export)
        known = self._of.get(key, [])
        if any(
            other != scrobbler and (source, at) != (play.source, at_ms)
            for source, at, other in known
        ):
            return True
        if len(self._recent) < AT_ONE_TIME_MAX:
            self._of.setdefault(key, []).append((play.source, at_ms, scrobbler))
            self._recent.append((at_ms, key))
        return False

    def _forget(self, before_ms: int) -> None:
        while self._recent and self._recent[0][0] < before_ms:
            _, key = self._recent.popleft()
            self._of[key].pop(0)
            if not self._of[key]:
                del self._of[key]


def assembled(plays: Iterable[Play], parts: Sequence[Part], *, now_ms: int) -> Iterator[HistoryRow]:
    """Events of sorted `plays`; a play that cannot become an event is a `BadRow`."""
    repeats, elsewhere = RepeatedPlays(), PlaysElsewhere()
    latest = now_ms + LATEST_AHEAD_MS
    for play in plays:
        part = parts[play.part]
        try:
            yield _row_of(play, part, repeats, elsewhere, latest)
        except ValidationError as error:
            yield BadRow(part.name, play.row, reason_of(error))
        except UnicodeEncodeError:
            yield BadRow(part.name, play.row, BROKEN_TEXT)


def _row_of(
    play: Play, part: Part, repeats: RepeatedPlays, elsewhere: PlaysElsewhere, latest: int
) -> HistoryRow:
    artist, title = known_names(play.artist_name, play.track_name)
    play = play._replace(artist_name=artist, track_name=title)
    track_id = _track_of(play)
    if track_id is None:
        return BadRow(part.name, play.row, "no track: neither an id nor a name")
    if reason := _out_of_bounds(play, latest):
        return BadRow(part.name, play.row, reason)
    if repeats.is_full:
        return BadRow(part.name, play.row, "listened_at: too many plays at exactly this time")
    source_or_track_id = play.source_track_id or track_id
    key = (play.source, play.listener_id, source_or_track_id, play.ms_played)
    export = (TABLE, part.number) if play.source == TABLE else ("", part.export)
    ordinal = repeats.ordinal_of(export, play.listened_at, key)
    if ordinal is None:
        return Ignored(REPEATED, part.name)
    event_id = event_id_of(*key[:3], play.listened_at, play.ms_played, ordinal)
    event = _event_of(play, track_id, event_id, _source_of(play, part))
    return Ignored(REPEATED, part.name) if elsewhere.has(play, track_id, part) else event


def _source_of(play: Play, part: Part) -> str:
    """A service's export, or the one table: a play of another table is a near duplicate."""
    if play.source != TABLE:
        return play.source
    name = Path(part.name).stem.encode("utf-8", "surrogateescape")
    return f"{TABLE}:{blake2b(name, digest_size=4).hexdigest()}"


def _out_of_bounds(play: Play, latest: int) -> str:
    """Why a play cannot be an event; empty if it can."""
    if play.listener_id == EVERYONE:
        return f"listener_id: {EVERYONE} stands for all of them"
    if play.listened_at < EARLIEST_LISTENED_AT_MS:
        return f"listened_at {_shown(play.listened_at)} is before 2002-10-01"
    return "listened_at: lies in the future" if play.listened_at > latest else ""


def _shown(ms: int) -> str:
    try:
        return datetime.fromtimestamp(ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return str(ms)


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
    own_id = f"{play.source}:{play.source_artist_id}" if play.source_artist_id else ""
    return own_id if 0 < len(own_id) <= ID_LENGTH_MAX else None


def _event_of(play: Play, track_id: str, event_id: str, source: str) -> ListeningEvent:
    return ListeningEvent(
        event_id=event_id,
        listener_id=play.listener_id,
        kind=EventKind.LISTEN,
        source=source,
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
    """The message for a row that breaks a bound of `ListeningEvent`."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "string_pattern_mismatch":
        return f"{first['loc'][0]}: {BROKEN_TEXT}"
    return f"{first['loc'][0]}: {first['msg']}"
