"""Infers the meaning of a table's columns from their names and their first values."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from enum import Enum, auto
from typing import Any
from unicodedata import combining, normalize

from streams.sources.formats.cell_values import number_of, text_of
from streams.sources.formats.times import is_local, is_readable, table_time_unit_of


class Role(Enum):
    """What a column contains."""

    LISTENER = auto()
    TRACK_ID = auto()
    TRACK_NAME = auto()
    DESCRIPTION = auto()
    DESCRIPTION_AND_ALBUM = auto()
    ARTIST_ID = auto()
    ARTIST_NAME = auto()
    RELEASE_NAME = auto()
    RECORDING_MBID = auto()
    LISTENED_AT = auto()
    CLOCK = auto()
    STOPPED_AT = auto()
    ZONE = auto()
    MS_PLAYED = auto()
    SECONDS_PLAYED = auto()
    PLAYTIME = auto()
    DURATION_MS = auto()
    DURATION = auto()
    REASON_END = auto()
    SKIPPED = auto()
    SESSION = auto()
    SCORED = auto()
    EVENT = auto()
    MEDIA = auto()
    PLAYING_NOW = auto()
    PRIVATE = auto()
    PODCAST = auto()


NAMES: dict[Role, tuple[str, ...]] = {
    Role.LISTENER: ("listener_id", "listener", "user_id", "user_name", "username", "user",
                    "userid", "user_idx", "uid", "listenerid", "benutzer", "utilisateur",
                    "usuario"),
    Role.TRACK_ID: ("track_id", "song_id", "item_id", "item", "source_track_id", "track_uri",
                    "trackid", "songid", "itemid", "item_idx", "track_idx", "music_id", "iid",
                    "track_identifier", "track_asin", "asin", "rating_key"),
    Role.TRACK_NAME: ("track_name", "title", "track", "song", "song_name", "recording_name",
                      "recording", "song_title", "track_title", "song_track_title", "content_name",
                      "media_title", "item_name", "titel", "titre", "titulo", "titolo",
                      "lied", "morceau", "cancion", "brano"),
    Role.DESCRIPTION: ("track_description",),
    Role.DESCRIPTION_AND_ALBUM: ("item_description",),
    Role.ARTIST_ID: ("artist_id", "artistid", "artist_idx"),
    Role.ARTIST_NAME: ("artist_name", "artist", "artists", "artist_names", "artist_name_s",
                       "track_artist", "track_artists", "album_artist", "albumartist",
                       "song_artist", "artist_title", "main_artist", "performer", "performers",
                       "creator", "kunstler", "interpret", "artiste", "artista", "artiest",
                       "grandparent_title", "container_artist_name"),
    Role.RELEASE_NAME: ("release_name", "release", "album_name", "album", "album_title",
                        "release_title", "parent_title", "container_album_name"),
    Role.RECORDING_MBID: ("recording_mbid", "track_mbid", "mbid"),
    Role.LISTENED_AT: ("listened_at", "timestamp", "ts", "time", "time_ms", "played_at", "date",
                       "uts", "ts_since_epoch", "unix_time", "unixtime", "timestamp_ms", "ts_ms",
                       "listened_at_ms", "timestamp_s", "datetime", "utc_time", "scrobble_time",
                       "scrobbled_at", "date_time", "event_start_timestamp", "started_at",
                       "start_time", "started", "playback_start_time", "time_utc", "datetime_utc",
                       "date_utc", "timestamp_utc", "unix_timestamp", "epoch", "time_stamp",
                       "date_played", "played_date", "play_date", "played_on", "listen_date",
                       "listened_on", "scrobble_date", "stream_date", "viewed_at", "played_time",
                       "submission_time",
                       "last_played_date", "last_played", "datum", "zeit", "zeitpunkt",
                       "zeitstempel", "fecha", "horodatage", "created_at", "event_time",
                       "creation_date",
                       "date_created", "entry_date", "event_timestamp",
                       "event_received_timestamp"),
    Role.STOPPED_AT: ("event_end_timestamp", "end_time", "ended_at", "stopped_at", "stopped",
                      "finished_at", "playback_end_time"),
    Role.ZONE: ("timezone", "time_zone", "tz", "tzid", "tz_name", "timezone_name", "timezone_id",
                "iana_timezone", "utc_offset", "utcoffset", "gmt_offset", "tz_offset",
                "timezone_offset", "time_zone_offset", "utc_offset_hours", "utc_offset_minutes",
                "utc_offset_seconds", "utc_offset_in_seconds", "zeitzone", "fuseau_horaire",
                "zona_horaria"),
    Role.CLOCK: ("time", "clock", "time_of_day", "start_time", "local_time", "played_time"),
    Role.MS_PLAYED: ("ms_played", "played_ms", "playtime_ms", "milliseconds_played",
                     "play_duration_milliseconds", "play_duration_ms", "stream_duration_ms",
                     "listened_ms"),
    Role.SECONDS_PLAYED: ("seconds_played", "played_s", "playtime_s", "played_seconds",
                          "play_duration_seconds", "listened_seconds", "listening_time_seconds",
                          "consumption_duration_in_seconds"),
    Role.PLAYTIME: ("playtime", "play_time", "duration_played", "played", "play_duration",
                    "listening_time", "time_played", "listened_duration", "stream_duration"),
    Role.DURATION_MS: ("duration_ms", "length_ms", "track_duration_ms",
                       "media_duration_in_milliseconds"),
    Role.DURATION: ("duration", "length", "track_duration", "track_length", "song_length"),
    Role.REASON_END: ("reason_end", "end_reason_type", "end_reason"),
    Role.SKIPPED: ("skipped", "was_skipped", "is_skipped", "skip"),
    Role.SESSION: ("session_id", "session", "sessionid", "session_idx", "sid"),
    Role.SCORED: ("scored", "is_scored"),
    Role.EVENT: ("event", "event_type", "action", "listen_type", "type"),
    Role.MEDIA: ("media_type", "item_type", "content_type", "product_type", "entity_type",
                 "media_kind", "kind", "type"),
    Role.PLAYING_NOW: ("playing_now", "now_playing", "nowplaying", "is_now_playing"),
    Role.PRIVATE: ("incognito_mode", "incognito", "private_session"),
    Role.PODCAST: ("is_podcast", "podcast"),
}  # fmt: skip
"""Names of each role, the best first; compared without case, `snake_case`."""

DESCRIPTIONS = (Role.DESCRIPTION, Role.DESCRIPTION_AND_ALBUM)
"""Columns of texts such as `Nina Simone - Sinnerman`."""
DESCRIBED = (Role.ARTIST_NAME, Role.TRACK_NAME, Role.RELEASE_NAME)
"""What a description tells where no column does."""
REQUIRED = "a listener, a track (id or title) and a time"
NAMES_HINT = "user_id, track_id and timestamp are understood, and more: docs/evaluation.md"


def roles_of(columns: Sequence[str]) -> dict[Role, int]:
    """Position of the column for each role that one of `columns` has.

    >>> {role.name: at for role, at in roles_of(["Artist", "trackName", "ts"]).items()}
    {'TRACK_NAME': 1, 'ARTIST_NAME': 0, 'LISTENED_AT': 2}
    """
    return {role: positions[0] for role, positions in _places_of(columns).items()}


def may_have_role(column: str) -> bool:
    """Whether a column of this name has a role, alone or beside others."""
    return bool(roles_of([column])) or _snake(column) == _NAME


def filled_roles(roles: dict[Role, int], columns: Sequence[str], rows: Sequence[Any]) -> None:
    """Moves roles to another column for them, the best first, where a column of `rows` is empty."""
    for role, positions in _places_of(columns).items():
        if len(positions) > 1 and role in roles:
            filled = (at for at in positions if any(text_of(row[at]) for row in rows))
            roles[role] = next(filled, roles[role])


def _places_of(columns: Sequence[str]) -> dict[Role, list[int]]:
    at = {_snake(name): position for position, name in reversed(list(enumerate(columns)))}
    found = {role: [at[name] for name in names if name in at] for role, names in NAMES.items()}
    if found[Role.ARTIST_NAME] and not found[Role.TRACK_NAME] and _NAME in at:
        found[Role.TRACK_NAME] = [at[_NAME]]
    return {role: positions for role, positions in found.items() if positions}


_NAME = "name"
"""Beside an artist, it is the title; alone it may be the name of anything."""


_SUFFIX = re.compile(r":(token|float|int|string|long)$|#.*$", re.DOTALL)
"""What exporters append to a name: a type (`ts:float`), or the listener (`Date#someone`)."""
_OWNER = re.compile(r"^[^#]+#(.+)$", re.DOTALL)


def is_in_utc(column: str) -> bool:
    """Whether the name of a time column says that its times are in UTC.

    >>> is_in_utc("time_utc"), is_in_utc("local_time")
    (True, False)
    """
    return not {"utc", "gmt", "uts"}.isdisjoint(_snake(column).split("_"))


def owner_in(columns: Sequence[str]) -> str | None:
    """The listener whose name is appended to a column, as lastfmstats does.

    >>> owner_in(["Artist", "Track", "Date#nina"])
    'nina'
    """
    found = (_OWNER.match(name.strip()) for name in columns)
    return next((each[1].strip() for each in found if each), None)


def _snake(name: str) -> str:
    plain = _SUFFIX.sub("", name.strip().strip("\ufeff"))
    if not plain.isascii():
        plain = "".join(letter for letter in normalize("NFKD", plain) if not combining(letter))
    spread = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain)
    return re.sub(r"[^a-z0-9]+", "_", spread.lower()).strip("_")


def missing_of(roles: Iterable[Role]) -> list[str]:
    """Required contents that are missing in these columns; the listener may be given separately.

    >>> missing_of([Role.LISTENER, Role.TRACK_ID])
    ['a time']
    """
    known = set(roles)
    has_track = known & {Role.TRACK_ID, Role.TRACK_NAME, Role.RECORDING_MBID, *DESCRIPTIONS}
    missing = [] if has_track else ["a track (id or title)"]
    return missing if known & {Role.LISTENED_AT, Role.STOPPED_AT} else [*missing, "a time"]


def has_plays(roles: Iterable[Role]) -> bool:
    """Whether a table with these columns can be read."""
    return not missing_of(roles)


_LAST_RESORT = frozenset({"created_at", "event_time", "creation_date", "date_created", "entry_date",
                          "event_timestamp", "event_received_timestamp"})  # fmt: skip
"""Columns that may state when a row was written instead of when it was played."""


def best_time(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int | None:
    """Position of the time column of a table; None if no column may be one.

    Of several, the one with most readable times in `rows`; then epoch before text, a text with a
    time zone before one without, and the better name.

    >>> best_time(["date", "uts"], [["01 Mar 2024, 10:00", "1709287200"]])
    1
    """
    snakes = [_snake(name) for name in columns]
    names = [name for name in NAMES[Role.LISTENED_AT] if name in snakes]
    if set(snakes) & set(NAMES[Role.STOPPED_AT]):  # the end of a play says more than its row's time
        names = [name for name in names if name not in _LAST_RESORT]
    found = [snakes.index(name) for name in names]
    if len(found) < 2:  # noqa: PLR2004
        return found[0] if found else None

    def rank(at: int) -> tuple[bool, bool, int, int]:
        values = [row[at] for row in rows]
        unit = table_time_unit_of(values)
        read = sum(is_readable(value, unit) for value in values)
        texts = sum(isinstance(each, str | date) and number_of(each) is None for each in values)
        local = sum(map(is_local, values))
        return not read, snakes[at] in _LAST_RESORT, -read, texts + local

    return min(found, key=rank)
