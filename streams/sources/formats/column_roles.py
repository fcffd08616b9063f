"""Infers the meaning of a table's columns from their names, and the units of their values."""

import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from enum import Enum, auto
from typing import Any
from uuid import UUID

from topics.listening_event import EARLIEST_LISTENED_AT_MS, PLAY_LENGTH_MAX_MS, TEXT_LENGTH_MAX

MS_DURATION_FROM = 10_000
"""A `duration` column is in ms if its median is at least this; otherwise it is in seconds."""


class Role(Enum):
    """What a column contains."""

    LISTENER = auto()
    TRACK_ID = auto()
    TRACK_NAME = auto()
    ARTIST_ID = auto()
    ARTIST_NAME = auto()
    RELEASE_NAME = auto()
    RECORDING_MBID = auto()
    LISTENED_AT = auto()
    MS_PLAYED = auto()
    SECONDS_PLAYED = auto()
    PLAYTIME = auto()
    DURATION_MS = auto()
    DURATION = auto()
    REASON_END = auto()
    SESSION = auto()
    SCORED = auto()
    EVENT = auto()


NAMES: dict[Role, tuple[str, ...]] = {
    Role.LISTENER: ("listener_id", "listener", "user_id", "user_name", "username", "user",
                    "userid", "user_idx", "uid", "listenerid"),
    Role.TRACK_ID: ("track_id", "song_id", "item_id", "item", "source_track_id", "track_uri",
                    "trackid", "songid", "itemid", "item_idx", "track_idx", "music_id", "iid"),
    Role.TRACK_NAME: ("track_name", "title", "track", "song", "song_name", "recording_name",
                      "recording"),
    Role.ARTIST_ID: ("artist_id", "artistid", "artist_idx"),
    Role.ARTIST_NAME: ("artist_name", "artist", "artists", "artist_names", "artist_name_s",
                       "track_artist", "track_artists", "album_artist", "albumartist"),
    Role.RELEASE_NAME: ("release_name", "release", "album_name", "album"),
    Role.RECORDING_MBID: ("recording_mbid", "track_mbid", "mbid"),
    Role.LISTENED_AT: ("listened_at", "timestamp", "ts", "time", "time_ms", "played_at", "date",
                       "uts", "ts_since_epoch", "unix_time", "unixtime", "timestamp_ms", "ts_ms",
                       "listened_at_ms", "timestamp_s", "datetime", "utc_time", "scrobble_time",
                       "scrobbled_at", "date_time", "created_at", "event_time"),
    Role.MS_PLAYED: ("ms_played", "played_ms", "playtime_ms", "milliseconds_played"),
    Role.SECONDS_PLAYED: ("seconds_played", "played_s", "playtime_s"),
    Role.PLAYTIME: ("playtime", "play_time", "duration_played", "played"),
    Role.DURATION_MS: ("duration_ms", "length_ms"),
    Role.DURATION: ("duration", "length"),
    Role.REASON_END: ("reason_end",),
    Role.SESSION: ("session_id", "session", "sessionid", "session_idx", "sid"),
    Role.SCORED: ("scored", "is_scored"),
    Role.EVENT: ("event", "event_type", "action", "listen_type", "type"),
}  # fmt: skip
"""Names of each role, the best first; compared without case, `snake_case`."""

REQUIRED = "a listener, a track (id or title) and a time"
NAMES_HINT = "user_id, track_id and timestamp are understood, and more: docs/evaluation.md"


def roles_of(columns: Sequence[str]) -> dict[Role, int]:
    """Position of the column for each role that one of `columns` has.

    >>> {role.name: at for role, at in roles_of(["Artist", "trackName", "ts"]).items()}
    {'TRACK_NAME': 1, 'ARTIST_NAME': 0, 'LISTENED_AT': 2}
    """
    return {role: positions[0] for role, positions in _places_of(columns).items()}


def filled_roles(roles: dict[Role, int], columns: Sequence[str], rows: Sequence[Any]) -> None:
    """Moves roles to another column for them, the best first, where a column of `rows` is empty."""
    for role, positions in _places_of(columns).items():
        if len(positions) > 1 and role in roles:
            filled = (at for at in positions if any(text_of(row[at]) for row in rows))
            roles[role] = next(filled, roles[role])


def _places_of(columns: Sequence[str]) -> dict[Role, list[int]]:
    at = {_snake(name): position for position, name in reversed(list(enumerate(columns)))}
    found = {role: [at[name] for name in names if name in at] for role, names in NAMES.items()}
    return {role: positions for role, positions in found.items() if positions}


_SUFFIX = re.compile(r":(token|float|int|string|long)$|#.*$", re.DOTALL)
"""What exporters append to a name: a type (`ts:float`), or the listener (`Date#someone`)."""
_OWNER = re.compile(r"^[^#]+#(.+)$", re.DOTALL)


def owner_in(columns: Sequence[str]) -> str | None:
    """The listener whose name is appended to a column, as lastfmstats does.

    >>> owner_in(["Artist", "Track", "Date#nina"])
    'nina'
    """
    found = (_OWNER.match(name.strip()) for name in columns)
    return next((each[1].strip() for each in found if each), None)


def _snake(name: str) -> str:
    plain = _SUFFIX.sub("", name.strip().strip("\ufeff"))
    spread = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain)
    return re.sub(r"[^a-z0-9]+", "_", spread.lower()).strip("_")


def missing_of(roles: Iterable[Role]) -> list[str]:
    """Required contents that are missing in these columns; the listener may be given separately.

    >>> missing_of([Role.LISTENER, Role.TRACK_ID])
    ['a time']
    """
    known = set(roles)
    has_track = known & {Role.TRACK_ID, Role.TRACK_NAME, Role.RECORDING_MBID}
    missing = [] if has_track else ["a track (id or title)"]
    return missing if Role.LISTENED_AT in known else [*missing, "a time"]


def has_plays(roles: Iterable[Role]) -> bool:
    """Whether a table with these columns can be read."""
    return not missing_of(roles)


_TIME_SCALES = (1_000.0, 1.0, 1e-3, 1e-6)
"""Factors from s, ms, µs and ns to ms; no number is a plausible time in two of these units."""
_LATEST_MS = 4_102_444_800_000
"""2100-01-01, the upper bound of plausible times; it only serves to distinguish units."""


def time_scale_of(times: Iterable[Any]) -> float:
    """The factor from the numbers of a time column to ms, inferred from their magnitude.

    Each value votes for the unit in which it is between 2002 and 2100; the majority wins.

    >>> time_scale_of([1_421_163_674]), time_scale_of(["1421163674000", "nonsense"])
    (1000.0, 1.0)
    """
    numbers = [number for number in map(number_of, times) if number is not None]
    votes = [sum(map(_in_reach(scale), numbers)) for scale in _TIME_SCALES]
    return _TIME_SCALES[votes.index(max(votes))]


def table_time_scale_of(times: Iterable[Any]) -> float:
    """Like `time_scale_of`, but also accepts times that begin at zero, which are seconds.

    >>> table_time_scale_of([0, 200, 400]), table_time_scale_of([1_421_163_674_000])
    (1000.0, 1.0)
    """
    numbers = [number for number in map(number_of, times) if number is not None]
    if any(_in_reach(scale)(number) for number in numbers for scale in _TIME_SCALES):
        return time_scale_of(numbers)
    fits = [sum(number * scale <= _LATEST_MS for number in numbers) for scale in _TIME_SCALES]
    return _TIME_SCALES[fits.index(max(fits))]


def is_calendar(times: Iterable[Any]) -> bool:
    """Whether times are moments since 2002, and not seconds since a table's beginning."""
    return any(_is_since_2002(value) or _is_excel_day(value) for value in times)


def _is_excel_day(value: Any) -> bool:
    """Whether a number is a moment of 2002 to 2100 in the days of a spreadsheet."""
    number = number_of(value)
    return number is not None and 37_500 <= number <= 73_000 and not number.is_integer()  # noqa: PLR2004


def _is_since_2002(value: Any) -> bool:
    try:
        return any(_in_reach(1.0)(time_ms_of(value, scale)) for scale in _TIME_SCALES)
    except ValueError:
        return False


def _in_reach(scale: float) -> Any:
    return lambda number: EARLIEST_LISTENED_AT_MS <= number * scale <= _LATEST_MS


def duration_scale_of(durations: Iterable[Any]) -> float:
    """The factor from the numbers of a `duration` column to ms: 1 or 1,000.

    >>> duration_scale_of([243, 187]), duration_scale_of([5_000, 243_000, 187_000])
    (1000.0, 1.0)
    """
    numbers = sorted(each for each in map(number_of, durations) if each is not None and each > 0)
    return 1.0 if numbers and numbers[len(numbers) // 2] >= MS_DURATION_FROM else 1_000.0


_DECIMAL_COMMA = re.compile(r"\s*([+-]?\d+),(\d{1,2}|\d{4,})\s*")
"""Three digits after a comma may also be thousands, and are therefore no number."""
_LENGTH = re.compile(r"\s*(?:(\d{1,3}):)?(\d{1,4}):(\d{2})(?:[.,](\d{1,3}))?\s*")


def number_of(value: Any) -> float | None:
    """`value` as a finite number, or None if it is no number.

    >>> number_of("180000,5"), number_of("180,000")
    (180000.5, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and (comma := _DECIMAL_COMMA.fullmatch(value)):
        value = f"{comma[1]}.{comma[2]}"
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 2**63 else None


def ms_of(value: Any, scale: float) -> int:
    """A number as whole ms; raises `ValueError` if it is no number."""
    if type(value) is int and -(2**63) < value < 2**63:
        return round(value * scale)
    number = number_of(value)
    if number is None:
        raise ValueError(f"is not a number: {str(value)[:40]!r}")
    return round(number * scale)


def length_ms_of(value: Any, scale: float) -> int | None:
    """An optional length in ms, from a number or `m:ss`; None if it is unknown or cannot be read.

    A length never decides whether a row is a play.

    >>> length_ms_of("3:05", 1_000.0), length_ms_of(180, 1_000.0), length_ms_of("long", 1.0)
    (185000, 180000, None)
    """
    ms = _clock_ms(value) if isinstance(value, str) and ":" in value else None
    if ms is None:
        number = number_of(value)
        ms = None if number is None else round(number * scale)
    return ms if ms is not None and 0 <= ms <= PLAY_LENGTH_MAX_MS else None


def _clock_ms(text: str) -> int | None:
    found = _LENGTH.fullmatch(text)
    if not found:
        return None
    hours, minutes, seconds = (int(each or 0) for each in found.group(1, 2, 3))
    if seconds >= _SIXTY or (found[1] and minutes >= _SIXTY):
        return None
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000 + int((found[4] or "0").ljust(3, "0"))


_SIXTY = 60


def time_ms_of(value: Any, scale: float) -> int:
    """A time as ms since 1970 UTC: a number, a text or a datetime; UTC if it has no zone.

    Texts are ISO 8601 or as Last.fm and its exporters write them. A day is its first moment.

    >>> time_ms_of("2015-01-13T15:41:14Z", 1.0), time_ms_of("13 Jan 2015, 15:41", 1.0)
    (1421163674000, 1421163660000)
    """
    if isinstance(value, str) and number_of(value) is None:
        value = _moment(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, datetime):
        zoned = value if value.tzinfo else value.replace(tzinfo=UTC)
        return round(zoned.timestamp() * 1_000)
    return ms_of(value, scale)


_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_CLOCK = r",?\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap]m)?\s*(?:utc|gmt|z)?"
_DAY_FIRST = re.compile(rf"(\d{{1,2}})\.?\s+([a-z]{{3}})[a-z]*\.?,?\s+(\d{{4}}){_CLOCK}")
_MONTH_FIRST = re.compile(rf"([a-z]{{3}})[a-z]*\.?\s+(\d{{1,2}}),?\s+(\d{{4}}){_CLOCK}")
_DOTTED = re.compile(rf"(\d{{1,2}})\.(\d{{1,2}})\.(\d{{4}}){_CLOCK}")
_SLASHED = re.compile(rf"(\d{{4}})/(\d{{1,2}})/(\d{{1,2}}){_CLOCK}")


def _moment(text: str) -> datetime:
    plain = text.strip()
    try:
        return datetime.fromisoformat(plain.removesuffix(" UTC"))
    except ValueError:
        pass
    try:
        found = _written(plain.lower())
    except ValueError:
        found = None
    if found is None:
        raise ValueError(f"is not a time: {text[:40]!r}")
    return found


def _written(text: str) -> datetime | None:
    """A time in another notation whose day and month cannot be confused."""
    orders = ((_DAY_FIRST, 2, 1, 0), (_MONTH_FIRST, 2, 0, 1), (_DOTTED, 2, 1, 0),
              (_SLASHED, 0, 1, 2))  # fmt: skip
    for pattern, year, month, day in orders:
        if found := pattern.fullmatch(text):
            words = found.groups()
            hour = _hour(int(words[3]), words[6])
            month_number = _month(words[month])
            return datetime(int(words[year]), month_number, int(words[day]), hour,
                            int(words[4]), int(words[5] or 0), tzinfo=UTC)  # fmt: skip
    return None


def _month(word: str) -> int:
    return int(word) if word.isdigit() else _MONTHS.index(word[:3]) + 1


def _hour(hour: int, half: str | None) -> int:
    return hour if half is None else hour % 12 + (12 if half == "pm" else 0)


def is_local(value: Any) -> bool:
    """Whether a time is a text or datetime that names no time zone."""
    if isinstance(value, datetime):
        return value.tzinfo is None
    return isinstance(value, str) and number_of(value) is None and not _ZONED.search(value.strip())


_ZONED = re.compile(r"(?:z|utc|gmt|[+-]\d{2}:?\d{2})$", re.IGNORECASE)
_LAST_RESORT = frozenset({"created_at", "event_time"})
"""Columns that may state when a row was written instead of when it was played."""


def best_time(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int | None:
    """Position of the time column of a table; None if no column may be one.

    Of several, the one with most readable times in `rows`; then epoch before text, a text with a
    time zone before one without, and the better name.

    >>> best_time(["date", "uts"], [["01 Mar 2024, 10:00", "1709287200"]])
    1
    """
    snakes = [_snake(name) for name in columns]
    found = [snakes.index(name) for name in NAMES[Role.LISTENED_AT] if name in snakes]
    if len(found) < 2:  # noqa: PLR2004
        return found[0] if found else None

    def rank(at: int) -> tuple[bool, int, int]:
        values = [row[at] for row in rows]
        scale = table_time_scale_of(values)
        read = sum(_is_readable(value, scale) for value in values)
        texts = sum(isinstance(each, str | date) and number_of(each) is None for each in values)
        local = sum(map(is_local, values))
        return snakes[at] in _LAST_RESORT, -read, texts + local

    return min(found, key=rank)


def _is_readable(value: Any, scale: float) -> bool:
    try:
        return 0 <= time_ms_of(value, scale) <= _LATEST_MS
    except ValueError:
        return False


_NOTHING = frozenset({"", "none", "null", "nan", "n/a", "\\n", "-", "<na>", "#n/a", "nat",
                      "(null)", "[null]", "<null>", "<none>", "\\\\n", "#value!", "#ref!",
                      "#name?", "#num!", "#div/0!", "#null!", "<unknown>",
                      "[unknown]"})  # fmt: skip
"""What programs write into a cell for "nothing", in lower case."""
_INVISIBLE = "\u200b\u2060\ufeff"
"""Letters that are shown as nothing, and that are no spaces for Python."""
_NAMES_OF_OBJECTS = ("name", "title", "#text", "artist_name", "artistName")


def text_of(value: Any) -> str | None:
    """Text of a cell; None if it is empty, or a word for nothing such as `null`.

    Whole numbers have no decimal point. A list is joined, and an object is its name.

    >>> text_of(4.0), text_of(" Nina "), text_of("NaN"), text_of([{"name": "A"}, "B"])
    ('4', 'Nina', None, 'A, B')
    """
    if isinstance(value, str):
        text = value.strip()
        return None if text.strip(_INVISIBLE).lower() in _NOTHING else text
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, dict | list | tuple):
        return _text_of_many(value)
    if value is None or isinstance(value, bool | bytes):
        return None
    return str(value)


def _text_of_many(value: Any) -> str | None:
    if isinstance(value, dict):
        names = (value.get(key) for key in _NAMES_OF_OBJECTS)
        return next(
            (each.strip() for each in names if isinstance(each, str) and text_of(each)), None
        )
    texts = [text_of(each) for each in value if isinstance(each, str | dict)]
    return ", ".join(each for each in texts if each) or None


def is_storable(text: str) -> bool:
    """Whether an event may contain `text`: not too long, without NUL and broken UTF-8."""
    if len(text) > TEXT_LENGTH_MAX or "\x00" in text:
        return False
    return text.isascii() or not _SURROGATE.search(text)


_SURROGATE = re.compile("[\ud800-\udfff]")


def optional_text_of(value: Any) -> str | None:
    """Like `text_of`, and None for a text that no event may contain."""
    text = text_of(value)
    return text if text is not None and is_storable(text) else None


def mbid_of(value: Any) -> str | None:
    """A MusicBrainz id in its canonical form; None if `value` is no UUID.

    >>> mbid_of("nan"), mbid_of("0F0E0D0C-0B0A-4908-8706-050403020100")
    (None, '0f0e0d0c-0b0a-4908-8706-050403020100')
    """
    text = text_of(value)
    if text is None or not _UUID.search(text):
        return None
    return str(UUID(text[-36:]))


_UUID = re.compile(r"(?:^|/)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)
_PLAY_WORDS = frozenset({"scrobble", "scrobbled", "listen", "listened", "play", "played", "single",
                         "import", "stream", "track", "song", "music", "audio"})  # fmt: skip
_OTHER_WORDS = frozenset({"love", "loved", "unlove", "hate", "hated", "unhate", "ban", "like",
                          "unlike", "dislike", "playing_now", "nowplaying", "now_playing",
                          "podcast", "episode", "audiobook", "ad", "advertisement", "video",
                          "block", "unblock", "skip"})  # fmt: skip


UNREADABLE_KIND = "is of a kind that cannot be read"
_RELEASE_WORDS = frozenset({"album", "ep", "compilation"})
"""Values of a column that states the type of a release, which may also be `single`."""


def are_kinds_of_rows(values: Iterable[Any]) -> bool:
    """Whether a column states what each row is: a play, a love, a podcast."""
    words = {str(each).strip().lower() for each in values if text_of(each)}
    return bool(words & (_PLAY_WORDS | _OTHER_WORDS)) and not words & _RELEASE_WORDS


def why_no_play(kind: Any) -> str | None:
    """Why a row of this kind is no play; None if it is one.

    >>> why_no_play("scrobble"), why_no_play("love"), why_no_play(None)
    (None, "is 'love', not a play", None)
    """
    text = text_of(kind)
    if text is None or text.lower() in _PLAY_WORDS:
        return None
    if not is_storable(text):
        return UNREADABLE_KIND
    return f"is {text[:40]!r}, not a play"


def is_nan(value: Any) -> bool:
    """Whether a cell is NaN, which represents a missing number."""
    return isinstance(value, float) and math.isnan(value)
