"""Reads times of any notation and unit as ms since 1970 UTC."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, tzinfo
from typing import Any, NamedTuple

from online_models.base import AT_MS_MAX
from streams.sources.formats.cell_values import ms_of, number_of, text_of, unguarded
from streams.sources.formats.written_times import is_day_first, moment_of, zone_of
from topics.listening_event import EARLIEST_LISTENED_AT_MS

TIME_SCALES = (1_000.0, 1.0, 1e-3, 1e-6)
"""Factors from s, ms, µs and ns to ms; no number is a plausible time in two of these units."""
LATEST_MS = 4_102_444_800_000
"""2100-01-01, the upper bound of plausible times; it only serves to distinguish units."""


class TimeUnit(NamedTuple):
    """How the values of one time column are read."""

    scale: float = 1_000.0
    """Factor from numbers to ms, of numbers that are plausible in no other unit."""
    day_first: bool | None = None
    """Whether `05/11/2023` begins with the day; None if that is not known."""
    has_digits_of_dates: bool = False
    """Whether numbers such as 20231114 are dates."""


SECONDS = TimeUnit()


class LocalTime(NamedTuple):
    """A time beside the time zone that another column names; it counts if the time names none."""

    told: Any
    zone: Any


def time_unit_of(times: Iterable[Any]) -> TimeUnit:
    """The unit of a time column, inferred from its first values.

    Each number votes for the unit in which it is between 2002 and 2100; the majority wins.

    >>> time_unit_of([1_421_163_674]).scale, time_unit_of(["1421163674000", "nonsense"]).scale
    (1000.0, 1.0)
    """
    values = [unguarded(each) for each in times]
    numbers = [number for number in map(number_of, values) if number is not None]
    votes = [sum(is_in_reach(each, scale) for each in numbers) for scale in TIME_SCALES]
    return TimeUnit(
        TIME_SCALES[votes.index(max(votes))],
        is_day_first(values),
        bool(numbers) and all(_date_of_digits(each) is not None for each in numbers),
    )


def table_time_unit_of(times: Iterable[Any]) -> TimeUnit:
    """Like `time_unit_of`, but also accepts times that begin at zero, which are seconds.

    >>> table_time_unit_of([0, 200, 400]).scale, table_time_unit_of([1_421_163_674_000]).scale
    (1000.0, 1.0)
    """
    values = list(times)
    unit = time_unit_of(values)
    numbers = [number for number in map(number_of, values) if number is not None]
    if any(is_in_reach(number, scale) for number in numbers for scale in TIME_SCALES):
        return unit
    fits = [sum(number * scale <= LATEST_MS for number in numbers) for scale in TIME_SCALES]
    return unit._replace(scale=TIME_SCALES[fits.index(max(fits))])


def is_calendar(times: Iterable[Any]) -> bool:
    """Whether times are moments since 2002, and not seconds since a table's beginning."""
    values = list(times)
    unit = time_unit_of(values)
    return unit.has_digits_of_dates or any(
        _is_since_2002(value, unit) or _is_excel_day(value) for value in values
    )


def _is_excel_day(value: Any) -> bool:
    """Whether a number is a moment of 2002 to 2100 in the days of a spreadsheet."""
    number = number_of(value)
    return number is not None and 37_500 <= number <= 73_000 and not number.is_integer()  # noqa: PLR2004


def _is_since_2002(value: Any, unit: TimeUnit) -> bool:
    try:
        return is_in_reach(time_ms_of(value, unit), 1.0)
    except ValueError:
        return False


def is_in_reach(number: float, scale: float) -> bool:
    """Whether a number is between 2002 and 2100 in the unit of `scale`."""
    return EARLIEST_LISTENED_AT_MS <= number * scale <= LATEST_MS


def time_ms_of(value: Any, unit: TimeUnit = SECONDS) -> int:
    """A time as ms since 1970 UTC: a number, a text or a datetime; UTC if no zone is known.

    A number that is no plausible time in the column's unit, but in another one, is read in that.
    A day is its first moment. Raises `ValueError` if it is no time.

    >>> time_ms_of("2015-01-13T15:41:14Z"), time_ms_of("13 Jan 2015, 15:41")
    (1421163674000, 1421163660000)
    >>> time_ms_of(1421163674), time_ms_of(1421163674000), time_ms_of(20150113154114)
    (1421163674000, 1421163674000, 1421163674000)
    >>> time_ms_of(LocalTime("2015-01-13 16:41:14", "Europe/Berlin"))
    1421163674000
    """
    value, told_zone = value if isinstance(value, LocalTime) else (value, None)
    if isinstance(value, str) and has_lost_digits(value):
        raise ValueError(f"has lost its last digits in a spreadsheet: {value[:40]!r}")
    number = number_of(value)
    if number is None and isinstance(value, str):
        value = _moment(unguarded(value), unit)
    elif number is not None and (unit.has_digits_of_dates or number >= FOURTEEN_DIGITS):
        value = _date_of_digits(number) or value
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a local one
    if isinstance(value, datetime):
        zoned = value if value.tzinfo else value.replace(tzinfo=_zone_of(told_zone))
        return round(zoned.timestamp() * 1_000)
    return ms_of(value, unit.scale if number is None else _scale_of(number, unit.scale))


_EXPONENT = re.compile(r"\s*'?\d(?:[.,](\d*))?e\+?(\d{1,3})\s*", re.IGNORECASE)


def has_lost_digits(text: str) -> bool:
    """Whether a time was rounded when a spreadsheet wrote it with an exponent.

    >>> has_lost_digits("1.70E+09"), has_lost_digits("1.700000000e9"), has_lost_digits("1700000000")
    (True, False, False)
    """
    found = _EXPONENT.fullmatch(text)
    return found is not None and len(found[1] or "") < int(found[2])


def _zone_of(told: Any) -> tzinfo:
    text = text_of(unguarded(told))
    return UTC if text is None else zone_of(text)


def _scale_of(number: float, usual: float) -> float:
    return next((each for each in (usual, *TIME_SCALES) if is_in_reach(number, each)), usual)


FOURTEEN_DIGITS = 10**13
"""From here on, a number is no second, and ms from the year 2286 on."""
_DIGITS = {8: "%Y%m%d", 14: "%Y%m%d%H%M%S"}


def _date_of_digits(number: float) -> datetime | None:
    """The moment of a number such as 20231114 or 20231114221320; None if it is none."""
    text = str(int(number))
    if not number.is_integer() or len(text) not in _DIGITS:
        return None
    try:
        moment = datetime.strptime(text, _DIGITS[len(text)])  # noqa: DTZ007 - a local one
    except ValueError:
        return None
    return moment if is_in_reach(moment.replace(tzinfo=UTC).timestamp(), 1_000.0) else None


def _moment(text: str, unit: TimeUnit) -> datetime:
    found = moment_of(text, day_first=unit.day_first)
    if found is None:
        is_missing = text_of(text) is None
        raise ValueError("is missing" if is_missing else f"is not a time: {text[:40]!r}")
    return found


def is_local(value: Any) -> bool:
    """Whether a time is a text or datetime that names no time zone."""
    if isinstance(value, str) and number_of(value) is None:
        moment = moment_of(unguarded(value), day_first=True)
        return moment is None or moment.tzinfo is None
    return isinstance(value, datetime) and value.tzinfo is None


def is_moment(at_ms: int | None) -> bool:
    """Whether a time is known and from 1970 to 2106."""
    return at_ms is not None and 0 <= at_ms <= AT_MS_MAX


_CLOCK = re.compile(r"\s*\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s*[ap]\.?m\.?)?\s*", re.IGNORECASE)


def are_days_and_clocks(days: Iterable[Any], clocks: Iterable[Any]) -> bool:
    """Whether one column holds days only, and another one the time of day.

    >>> are_days_and_clocks(["2024-03-01"], ["10:05 PM"]), are_days_and_clocks(["x"], ["10:05"])
    (True, False)
    """
    known_days = [unguarded(each) for each in days if text_of(each)]
    known_clocks = [unguarded(each) for each in clocks if text_of(each)]
    unit = TimeUnit(day_first=True)
    return bool(known_days and known_clocks) and (
        all(isinstance(each, str | date) and ":" not in str(each) for each in known_days)
        and all(is_readable(each, unit) for each in known_days)
        and all(_CLOCK.fullmatch(str(each)) for each in known_clocks)
    )


def joined(day: Any, clock: Any) -> Any:
    """The text of a day with the time of day of another column."""
    if not text_of(clock):
        return day
    day = day.date() if isinstance(day, datetime) else day  # as a column of dates has it
    return f"{str(unguarded(day)).strip()} {str(unguarded(clock)).strip()}"


def is_readable(value: Any, unit: TimeUnit) -> bool:
    """Whether a value is a time until 2100."""
    try:
        return 0 <= time_ms_of(value, unit) <= LATEST_MS
    except ValueError:
        return False
