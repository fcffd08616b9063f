"""Infers the meaning of a table's columns from their names, and the units of their values."""

import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from enum import Enum, auto
from typing import Any

from topics.listening_event import EARLIEST_LISTENED_AT_MS

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


NAMES: dict[Role, tuple[str, ...]] = {
    Role.LISTENER: ("listener_id", "listener", "user_id", "user_name", "username", "user",
                    "userid", "user_idx", "uid", "listenerid"),
    Role.TRACK_ID: ("track_id", "song_id", "item_id", "item", "source_track_id", "track_uri",
                    "trackid", "songid", "itemid", "item_idx", "track_idx", "music_id", "iid"),
    Role.TRACK_NAME: ("track_name", "title", "track", "song", "song_name", "recording_name",
                      "recording"),
    Role.ARTIST_ID: ("artist_id", "artistid", "artist_idx"),
    Role.ARTIST_NAME: ("artist_name", "artist"),
    Role.RELEASE_NAME: ("release_name", "release", "album_name", "album"),
    Role.RECORDING_MBID: ("recording_mbid", "track_mbid", "mbid"),
    Role.LISTENED_AT: ("listened_at", "timestamp", "ts", "time", "time_ms", "played_at", "date",
                       "uts", "ts_since_epoch", "unix_time", "unixtime", "timestamp_ms", "ts_ms",
                       "listened_at_ms", "timestamp_s", "datetime", "created_at", "event_time"),
    Role.MS_PLAYED: ("ms_played", "played_ms", "playtime_ms", "milliseconds_played"),
    Role.SECONDS_PLAYED: ("seconds_played", "played_s", "playtime_s"),
    Role.PLAYTIME: ("playtime", "play_time", "duration_played", "played"),
    Role.DURATION_MS: ("duration_ms", "length_ms"),
    Role.DURATION: ("duration", "length"),
    Role.REASON_END: ("reason_end",),
    Role.SESSION: ("session_id", "session", "sessionid", "session_idx", "sid"),
    Role.SCORED: ("scored", "is_scored"),
}  # fmt: skip
"""Names of each role, the best first; compared without case, `snake_case`."""

REQUIRED = "a listener, a track (id or title) and a time"
NAMES_HINT = "user_id, track_id and timestamp are understood, and more: docs/evaluation.md"


def roles_of(columns: Sequence[str]) -> dict[Role, int]:
    """Position of the column for each role that one of `columns` has.

    >>> {role.name: at for role, at in roles_of(["Artist", "trackName", "ts"]).items()}
    {'TRACK_NAME': 1, 'ARTIST_NAME': 0, 'LISTENED_AT': 2}
    """
    at = {_snake(name): position for position, name in reversed(list(enumerate(columns)))}
    found = {role: [at[name] for name in names if name in at] for role, names in NAMES.items()}
    return {role: positions[0] for role, positions in found.items() if positions}


_TYPE = re.compile(r":(token|float|int|string|long)$")
"""A type suffix that some data sets append to a column name."""


def _snake(name: str) -> str:
    plain = _TYPE.sub("", name.strip().strip("\ufeff"))
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


def _in_reach(scale: float) -> Any:
    return lambda number: EARLIEST_LISTENED_AT_MS <= number * scale <= _LATEST_MS


def duration_scale_of(durations: Iterable[Any]) -> float:
    """The factor from the numbers of a `duration` column to ms: 1 or 1,000.

    >>> duration_scale_of([243, 187]), duration_scale_of([5_000, 243_000, 187_000])
    (1000.0, 1.0)
    """
    numbers = sorted(each for each in map(number_of, durations) if each is not None and each > 0)
    return 1.0 if numbers and numbers[len(numbers) // 2] >= MS_DURATION_FROM else 1_000.0


def number_of(value: Any) -> float | None:
    """`value` as a finite number, or None if it is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
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


def time_ms_of(value: Any, scale: float) -> int:
    """A time as ms since 1970 UTC: a number, ISO 8601 text (default UTC) or a datetime.

    >>> time_ms_of("2015-01-13T15:41:14Z", 1.0), time_ms_of(1_421_163_674, 1_000.0)
    (1421163674000, 1421163674000)
    """
    if isinstance(value, str) and number_of(value) is None:
        value = _iso(value)
    if isinstance(value, datetime):
        zoned = value if value.tzinfo else value.replace(tzinfo=UTC)
        return round(zoned.timestamp() * 1_000)
    if isinstance(value, date):
        raise ValueError("is a day without a time")
    return ms_of(value, scale)


def _iso(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip().removesuffix(" UTC"))
    except ValueError:
        raise ValueError(f"is not a time: {text[:40]!r}") from None


def text_of(value: Any) -> str | None:
    """Text of a cell, None if it is empty; whole numbers have no decimal point.

    >>> text_of(4.0), text_of(" Nina "), text_of("")
    ('4', 'Nina', None)
    """
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, float):
        return None if math.isnan(value) else str(int(value)) if value.is_integer() else str(value)
    if value is None or isinstance(value, bool | bytes | list | dict):
        return None
    return str(value)


def is_nan(value: Any) -> bool:
    """Whether a cell is NaN, which represents a missing number."""
    return isinstance(value, float) and math.isnan(value)
