"""Makes events of sorted plays: assigns ids, drops repeats and near duplicates, checks bounds.

An event id contains an ordinal, from 0, among exactly equal plays of one export. The same play in
two exports therefore has the same id, and two equal rows of one export stay two events. The id uses
the source's own track id if there is one, because services rename songs.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import ValidationError

from streams.sources.files import Part
from streams.sources.formats.cell_values import known_names
from streams.sources.plays import BadRow, HistoryRow, Ignored, Play
from topics.identity import artist_id_of, event_id_of, track_id_of
from topics.listening_event import (
    EARLIEST_LISTENED_AT_MS,
    ID_LENGTH_MAX,
    LATEST_AHEAD_MS,
    TEXT_LENGTH_MAX,
    EventKind,
    ListeningEvent,
)
from topics.recommendation_list import EVERYONE

IDS_CACHED = 50_000
AT_ONE_TIME_MAX = 1_000_000
"""Maximum number of different plays of one millisecond; more are bad rows."""
TOO_MANY_AT_ONE_TIME = "listened_at: too many plays at exactly this time"
ROWS_A_BLOCK = 4_096
CODES_MAX = 1_000_000
"""Maximum number of listeners and tracks of which near duplicates are sought; with more, the search
begins anew, and the fold recognises what it misses."""
REPEATED = "in another of the files already"
TABLE = "history"
"""The source of tables."""
SPOTIFY = "spotify:"
"""Prefix of a Spotify URI, which identifies the same track in every file."""
BROKEN_TEXT = "holds a NUL character or broken UTF-8"

_track_id_of = lru_cache(IDS_CACHED)(track_id_of)
_artist_id_of = lru_cache(IDS_CACHED)(artist_id_of)

_PlayKey = tuple[str, str, str, int | None]
_Export = tuple[str, int]
Scrobbler = tuple[str, int]
"""A service, or a table and its number."""


class RepeatedPlays:
    """Numbers equal plays within an export; recognises those of an earlier export.

    An export is a path, or one table, because two tables in one folder may have the same plays.
    Plays arrive in order of time, then export. It therefore keeps the plays of one time only.
    """

    def __init__(self) -> None:
        self._listened_at: int | None = None
        self._in_any_export: dict[_PlayKey, int] = {}
        self._in_export: dict[tuple[_Export, _PlayKey], int] = {}

    def ordinal_of(self, export: _Export, listened_at: int, key: _PlayKey) -> tuple[int, bool]:
        """Ordinal among equal plays, from 0, and whether an earlier export contains this play."""
        if listened_at != self._listened_at:
            self._listened_at, self._in_any_export, self._in_export = listened_at, {}, {}
        ordinal = self._in_export.get((export, key), 0)
        self._in_export[export, key] = ordinal + 1
        if ordinal < self._in_any_export.get(key, 0):
            return ordinal, True
        self._in_any_export[key] = ordinal + 1
        return ordinal, False

    @property
    def is_full(self) -> bool:
        """Whether `AT_ONE_TIME_MAX` different plays of the current time are kept."""
        return len(self._in_export) >= AT_ONE_TIME_MAX


class _Told(NamedTuple):
    """What decides whether a play is a near duplicate."""

    path: str
    listener_id: str
    track_id: str
    scrobbler: Scrobbler
    at_ms: int
    duration_ms: int
    is_repeated: bool
    """Whether an earlier export has it, too."""

    def is_left_out(self, *, is_new: bool, is_masked: bool) -> bool:
        """Whether the play is not sent; of two equal ones, both or none are."""
        return not is_new if self.is_repeated else is_masked


_IDS = (attrgetter("listener_id"), attrgetter("track_id"), attrgetter("scrobbler"))
_Row = tuple[HistoryRow, _Told | None]
"""A row, and what is known of its play, if it may be a near duplicate."""


def scrobbler_of(play: Play, part: Part) -> Scrobbler:
    """Who reported a play: a service, or one table, because a table does not state who wrote it."""
    return (TABLE, part.number) if play.source == TABLE else (play.source, 0)


def assembled(
    plays: Iterable[Play], parts: Sequence[Part], *, now_ms: int, is_of_one_scrobbler: bool = False
) -> Iterator[HistoryRow]:
    """Events of sorted `plays`; a play that cannot become an event is a `BadRow`."""
    rows = _rows_of(plays, parts, now_ms + LATEST_AHEAD_MS)
    if is_of_one_scrobbler:
        return (
            Ignored(REPEATED, told.path) if told is not None and told.is_repeated else row
            for row, told in rows
        )
    return _without_near_duplicates(rows)


def _without_near_duplicates(rows: Iterator[_Row]) -> Iterator[HistoryRow]:
    from streams.sources.near_duplicates import (  # noqa: PLC0415 - it loads numba
        MASKED,
        NEW,
        NearDuplicates,
    )

    near, codes = NearDuplicates(), dict[object, int]()
    while block := list(islice(rows, ROWS_A_BLOCK)):
        if len(codes) > CODES_MAX:
            near, codes = NearDuplicates(), {}
        told = [each for _, each in block if each is not None]
        columns = [
            np.array([codes.setdefault(id_, len(codes)) for id_ in map(id_of, told)], np.int32)
            for id_of in _IDS
        ]
        at_ms = np.array([each.at_ms for each in told], np.int64)
        lengths = np.array([each.duration_ms for each in told], np.int32)
        verdicts = iter(near.verdicts(columns[0], columns[1], columns[2], at_ms, lengths).tolist())
        for row, each in block:
            verdict = NEW if each is None else next(verdicts)
            is_new, is_masked = verdict == NEW, verdict == MASKED
            if each is not None and each.is_left_out(is_new=is_new, is_masked=is_masked):
                yield Ignored(REPEATED, each.path)
            else:
                yield row


def _rows_of(plays: Iterable[Play], parts: Sequence[Part], latest: int) -> Iterator[_Row]:
    repeats = RepeatedPlays()
    for play in plays:
        part = parts[play.part]
        try:
            yield _row_of(play, part, repeats, latest)
        except ValidationError as error:
            yield BadRow(part.name, play.row, reason_of(error)), None
        except UnicodeEncodeError:
            yield BadRow(part.name, play.row, BROKEN_TEXT), None


def _row_of(play: Play, part: Part, repeats: RepeatedPlays, latest: int) -> _Row:
    artist, title = known_names(play.artist_name, play.track_name)
    play = play._replace(artist_name=artist, track_name=title)
    track_id = _track_of(play)
    if track_id is None:
        return BadRow(part.name, play.row, "no track: neither an id nor a name"), None
    if reason := _out_of_bounds(play, latest):
        return BadRow(part.name, play.row, reason), None
    if repeats.is_full:
        return BadRow(part.name, play.row, TOO_MANY_AT_ONE_TIME), None
    source_or_track_id = play.source_track_id or track_id
    key = (play.source, play.listener_id, source_or_track_id, play.ms_played)
    export = (TABLE, part.number) if play.source == TABLE else ("", part.export)
    ordinal, is_repeated = repeats.ordinal_of(export, play.listened_at, key)
    length = -1 if play.duration_ms is None else play.duration_ms
    scrobbler = scrobbler_of(play, part)
    told = _Told(
        part.name, play.listener_id, track_id, scrobbler, play.listened_at, length, is_repeated
    )
    event_id = event_id_of(*key[:3], play.listened_at, play.ms_played, ordinal)
    return _event_of(play, track_id, event_id, _source_of(play, part)), told


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
    if first["type"] == "string_too_long":
        most = ID_LENGTH_MAX if str(first["loc"][0]).endswith("_id") else TEXT_LENGTH_MAX
        return f"{first['loc'][0]} is longer than {most:,} characters"
    return f"{first['loc'][0]}: {first['msg']}"
