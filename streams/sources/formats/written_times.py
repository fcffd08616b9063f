"""Times as people and programs write them: every notation whose day and month cannot be confused.

The order of `05/11/2023` is not known from one value; `is_day_first` infers it from a column.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

_MONTHS: tuple[str, ...] = (
    "january januar janvier enero gennaio janeiro januari jänner",
    "february februar février fevrier febrero febbraio fevereiro februari",
    "march märz mrz mars marzo março maart mrt",
    "april avril abril aprile",
    "may mai mayo maggio maio mei",
    "june juni juin junio giugno junho",
    "july juli juillet julio luglio julho",
    "august août aout agosto augustus",
    "september septembre septiembre settembre setembro",
    "october oktober octobre octubre ottobre outubro",
    "november novembre noviembre novembro",
    "december dezember décembre diciembre dicembre dezembro",
)
"""English, German, French, Spanish, Italian, Portuguese, Dutch."""
_OFFSETS_H = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 1, "bst": 1, "cet": 1, "met": 1,
    "cest": 2, "mest": 2, "eet": 2, "eest": 3, "msk": 3, "jst": 9, "kst": 9,
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
    "akst": -9, "akdt": -8, "hst": -10, "awst": 8, "acst": 9.5, "acdt": 10.5, "aest": 10,
    "aedt": 11, "nzst": 12, "nzdt": 13,
}  # fmt: skip
"""Hours east of UTC; those of RFC 5322, and others that mean one zone (not `IST`)."""

_WEEKDAY = re.compile(r"[^\W\d_]{2,}\.?,?\s+(?=\S*\d|[^\W\d_]{3,}\.?\s+\d)")
_YEAR_FIRST = r"(?P<y>\d{4})(?P<sep>[-/.])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})"
_DAY_FIRST = (
    r"(?P<d>\d{1,2})(?:\.|st|nd|rd|th)?[\s/-]+(?:de\s+)?"
    r"(?P<month>[^\W\d_]{3,})\.?,?[\s/-]+(?:de\s+)?(?P<y>\d{4}|\d{2})"
)
_MONTH_FIRST = r"(?P<month>[^\W\d_]{3,})\.?\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>\d{4})"
_DOTTED = r"(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.\s?(?P<y>\d{4}|\d{2})"
_IDEOGRAPHS = r"(?P<y>\d{4})年\s?(?P<m>\d{1,2})月\s?(?P<d>\d{1,2})日"
_NUMBERS = r"(?P<one>\d{1,2})(?P<sep>[/-])(?P<two>\d{1,2})(?P=sep)(?P<y>\d{4})"
_HOURS = (
    r"(?P<h>\d{1,2})[:h](?P<min>\d{2})(?::(?P<s>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?:\s*(?P<half>[ap])\.?\s?m\.?|\s*uhr)?"
)
_OFFSET = (
    r"\s*(?P<offset>(?:utc|gmt|z)?\s?[+-]\d{1,2}(?::?\d{2})?)"
    r"(?:\s*\[[a-z/_+-]+\]|\s+[a-z]{1,5}|\s*\([^()]*\))?"
)
_ZONE = rf"(?:{_OFFSET}|\s*(?P<zone>[a-z]{{1,5}})|\s+\[?(?P<region>[a-z]+/[a-z0-9/_+-]+)\]?)?"
_CLOCK = rf"(?:(?:,?\s+(?:at|um|à|a las|às|om|alle)\s+|,?\s+-\s+|[,t:]?\s*){_HOURS}{_ZONE})?"
_ZONE_ALONE = re.compile(_ZONE)
_FORMS = [re.compile(form + _CLOCK) for form in
          (_YEAR_FIRST, _DAY_FIRST, _MONTH_FIRST, _DOTTED, _IDEOGRAPHS, _NUMBERS)]  # fmt: skip
_FORMS.append(
    re.compile(rf"(?P<month>[^\W\d_]{{3,}})\s+(?P<d>\d{{1,2}})\s+{_HOURS}{_ZONE}\s+(?P<y>\d{{4}})")
)
_DATE_OF_NUMBERS = re.compile(_NUMBERS + r"(?!\d)")
_LENGTH_MAX = 100
_MONTHS_A_YEAR = 12
_NOON = 12
_TWO_DIGITS_MAX, _CENTURY = 99, 2_000


def moment_of(text: str, *, day_first: bool | None = None) -> datetime | None:
    """The moment that `text` states, without a time zone if it names none; None if it states none.

    >>> moment_of("Tue, 14 Nov 2023 22:13:20 EST").isoformat()
    '2023-11-14T22:13:20-05:00'
    >>> moment_of("05/11/2023 10:13 PM"), moment_of("14 Nov 2023 13:00 AM")
    (None, None)
    """
    plain = text.strip()
    if len(plain) > _LENGTH_MAX:
        return None
    try:
        return datetime.fromisoformat(plain)
    except ValueError:
        pass
    lower = plain.lower()
    found = _found(lower) or _found(_WEEKDAY.sub("", lower, count=1))
    try:
        return None if found is None else _moment_of(found.groupdict(), day_first)
    except (ValueError, OverflowError, LookupError, OSError):
        return None


def is_day_first(times: Iterable[Any]) -> bool | None:
    """Whether dates such as `14/11/2023` begin with the day; None if no value decides it.

    >>> is_day_first(["05/11/2023 10:00", "14/11/2023"]), is_day_first(["05/11/2023"])
    (True, None)
    """
    dates = [_DATE_OF_NUMBERS.match(each.strip()) for each in times if isinstance(each, str)]
    days = [(int(each["one"]), int(each["two"])) for each in dates if each]
    begins, follows = (any(day[at] > _MONTHS_A_YEAR for day in days) for at in (0, 1))
    return begins if begins is not follows else None


def _found(text: str) -> re.Match[str] | None:
    return next((found for form in _FORMS if (found := form.fullmatch(text))), None)


def _moment_of(words: dict[str, str | None], day_first: bool | None) -> datetime | None:
    day, month = _day_and_month(words, day_first)
    fraction = (words.get("fraction") or "").ljust(6, "0")[:6]
    year = int(words["y"] or 0)
    return datetime(
        year if year > _TWO_DIGITS_MAX else _CENTURY + year,
        month,
        day,
        _hour(int(words.get("h") or 0), words.get("half")),
        int(words.get("min") or 0),
        int(words.get("s") or 0),
        int(fraction),
        _zone(words),
    )


def _day_and_month(words: dict[str, str | None], day_first: bool | None) -> tuple[int, int]:
    if one := words.get("one"):
        if day_first is None:
            raise ValueError("the day or the month may be first")
        first, second = int(one), int(words["two"] or 0)
        return (first, second) if day_first else (second, first)
    name = words.get("month")
    return int(words["d"] or 0), _month(name) if name else int(words["m"] or 0)


def _month(word: str) -> int:
    """Number of the month that begins with `word`, in one of the languages.

    >>> _month("sept"), _month("mai"), _month("dez")
    (9, 5, 12)
    """
    found = [
        number
        for number, names in enumerate(_MONTHS, 1)
        if any(name.startswith(word) for name in names.split())
    ]
    if len(found) != 1:
        raise ValueError(f"{word} is no month")
    return found[0]


def _hour(hour: int, half: str | None) -> int:
    """The hour of the day; programs also write `13:00 PM` and `00:30 AM`, which mean one hour."""
    if half is None or (half == "p" and hour > _NOON) or (half == "a" and hour == 0):
        return hour
    if not 1 <= hour <= _NOON:
        raise ValueError("contradicts AM or PM")
    return hour % _NOON + (_NOON if half == "p" else 0)


def _zone(words: dict[str, str | None]) -> tzinfo | None:
    if offset := words.get("offset"):
        digits = re.sub(r"[^\d+-]", "", offset)
        hours, minutes = (digits[1:3], digits[3:]) if len(digits) > 3 else (digits[1:], "0")  # noqa: PLR2004
        ahead = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(-ahead if digits.startswith("-") else ahead)
    if region := words.get("region"):
        return ZoneInfo(_regions()[region])
    if name := words.get("zone"):
        return timezone(timedelta(hours=_OFFSETS_H[name])) if _OFFSETS_H[name] else UTC
    return None


def zone_of(told: str) -> tzinfo:
    """The time zone that a column beside a local time names; `ValueError` if it is not known.

    A name that the database of time zones has, such as `CET`, follows summer time. A number is an
    offset east of UTC in hours, minutes or seconds.

    >>> str(zone_of("europe/berlin")), str(zone_of("+01:00")), str(zone_of("-300"))
    ('Europe/Berlin', 'UTC+01:00', 'UTC-05:00')
    """
    plain = told.strip().lower().replace("\u2212", "-")
    try:
        if region := _regions().get(plain):
            return ZoneInfo(region)
        minutes = _minutes_east(plain)
        if minutes is not None:
            return timezone(timedelta(minutes=minutes))
        words = _ZONE_ALONE.fullmatch(f" {plain}")
        zone = _zone(words.groupdict()) if words else None
    except (ValueError, LookupError, OSError):
        zone = None
    if zone is None:
        raise ValueError(f"is in a time zone that is not known: {told[:40]!r}")
    return zone


_FOUR_DIGITS = re.compile(r"(?:([+-])|(?=0))(\d{2})(\d{2})")
_HOURS_MAX, _HOUR_S, _QUARTER = 14, 3_600, 15


def _minutes_east(number: str) -> float | None:
    """Minutes east of UTC of an offset without a colon; None if it is none.

    >>> [_minutes_east(each) for each in ("5.5", "-300", "-18000", "+0530", "7")]
    [330.0, -300.0, -300.0, 330, 420.0]
    """
    if (digits := _FOUR_DIGITS.fullmatch(number)) and int(digits[2]) <= _HOURS_MAX:
        east = int(digits[2]) * 60 + int(digits[3])
        return -east if digits[1] == "-" else east
    try:
        offset = float(number)
    except ValueError:
        return None
    if abs(offset) <= _HOURS_MAX:
        return offset * 60
    for a_minute in (1, 60):
        minutes = offset / a_minute
        if abs(minutes) <= _HOURS_MAX * 60 and minutes % _QUARTER == 0:
            return minutes
    return None


@cache
def _regions() -> dict[str, str]:
    """Names of time zones by their lower case."""
    return {name.lower(): name for name in available_timezones()}
