"""Reads single values of foreign files: texts, numbers, lengths and MBIDs, or nothing."""

import ast
import math
import re
from collections.abc import Iterable
from typing import Any, cast
from uuid import UUID

from topics.listening_event import PLAY_LENGTH_MAX_MS, TEXT_LENGTH_MAX

MS_DURATION_FROM = 10_000
"""A `duration` column is in ms if its median is at least this; otherwise it is in seconds."""


def duration_scale_of(durations: Iterable[Any]) -> float:
    """The factor from the numbers of a `duration` column to ms: 1 or 1,000.

    >>> duration_scale_of([243, 187]), duration_scale_of([5_000, 243_000, 187_000])
    (1000.0, 1.0)
    """
    numbers = sorted(each for each in map(number_of, durations) if each is not None and each > 0)
    return 1.0 if numbers and numbers[len(numbers) // 2] >= MS_DURATION_FROM else 1_000.0


_DECIMAL_COMMA = re.compile(r"\s*([+-]?\d+),(\d{1,2}|\d{4,})\s*")
"""Three digits after a comma may also be thousands, and are therefore no number."""
_LENGTH_IN_WORDS = re.compile(
    r"\s*(?:pt)?(?:(\d{1,3})\s*h(?:ours?)?)?\s*(?:(\d{1,4})\s*m(?:in(?:utes?)?)?)?\s*"
    r"(?:(\d{1,6})(?:[.,](\d{1,3})\d*)?\s*s(?:ec(?:onds?)?)?)?\s*",
    re.IGNORECASE,
)
"""`3m 5s`, `185 s`, and ISO 8601's `PT3M5S`."""
_LENGTH = re.compile(r"\s*(?:(\d{1,3}):)?(\d{1,4}):(\d{2})(?:[.,](\d{1,3}))?\s*")


def number_of(value: Any) -> float | None:
    """`value` as a finite number, or None if it is no number.

    >>> number_of("180000,5"), number_of("180,000"), number_of("'1709251200")
    (180000.5, None, 1709251200.0)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    value = unguarded(value)
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
        is_missing = value is None or value == ""
        raise ValueError("is missing" if is_missing else f"is not a number: {str(value)[:40]!r}")
    return round(number * scale)


def length_ms_of(value: Any, scale: float) -> int | None:
    """An optional length in ms: a number, `m:ss`, `3m 5s`; None if it is unknown or unreadable.

    A length never decides whether a row is a play.

    >>> length_ms_of("3:05", 1_000.0), length_ms_of(180, 1_000.0), length_ms_of("long", 1.0)
    (185000, 180000, None)
    """
    number = number_of(value)
    ms = None if number is None else round(number * scale)
    if number is None and isinstance(value, str):
        ms = _clock_ms(unguarded(value))
    return ms if ms is not None and 0 <= ms <= PLAY_LENGTH_MAX_MS else None


def _clock_ms(text: str) -> int | None:
    if ":" not in text:
        return _ms_in_words(text)
    found = _LENGTH.fullmatch(text)
    if not found:
        return None
    hours, minutes, seconds = (int(each or 0) for each in found.group(1, 2, 3))
    if seconds >= _SIXTY or (found[1] and minutes >= _SIXTY):
        return None
    return _ms(hours, minutes, seconds, found[4])


def _ms_in_words(text: str) -> int | None:
    """The length that words such as `3m 5s` state.

    >>> _ms_in_words("PT3M5S"), _ms_in_words("185 s"), _ms_in_words("soon")
    (185000, 185000, None)
    """
    found = _LENGTH_IN_WORDS.fullmatch(text)
    if not found or not any(found.groups()):
        return None
    hours, minutes, seconds = (int(each or 0) for each in found.group(1, 2, 3))
    return _ms(hours, minutes, seconds, found[4])


def _ms(hours: int, minutes: int, seconds: int, fraction: str | None) -> int:
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000 + int((fraction or "0").ljust(3, "0"))


_SIXTY = 60

_NOTHING = frozenset({"", "none", "null", "nan", "n/a", "\\n", "-", "<na>", "#n/a", "nat",
                      "(null)", "[null]", "<null>", "<none>", "\\\\n", "#value!", "#ref!",
                      "#name?", "#num!", "#div/0!", "#null!", "<unknown>",
                      "[unknown]"})  # fmt: skip
"""What programs write into a cell for "nothing", in lower case."""
_INVISIBLE = "\u200b\u2060\ufeff"
"""Letters that are shown as nothing, and that are no spaces for Python."""
_NAMES_OF_OBJECTS = ("name", "title", "#text", "artist_name", "artistName", "username")


def unguarded(value: Any) -> Any:
    """A number or a time without what makes a spreadsheet take it for a text.

    >>> unguarded("'1709251200"), unguarded('="2024-03-01"'), unguarded(5)
    ('1709251200', '2024-03-01', 5)
    """
    if not isinstance(value, str):
        return value
    plain = value.strip()
    return _unquoted(plain).removeprefix("'") if plain[:1] in ("'", "=") else value


def _unquoted(text: str) -> str:
    """The text in the formula `="..."`."""
    is_formula = len(text) >= len('=""') and text.startswith('="') and text.endswith('"')
    return text[2:-1].replace('""', '"') if is_formula else text


_FORMULA_BEGINS = ("'=", "'+", "'-", "'@")
"""An apostrophe there keeps a spreadsheet from computing; elsewhere it belongs to the name."""


def text_of(value: Any) -> str | None:
    """Text of a cell; None if it is empty, or a word for nothing such as `null`.

    Whole numbers have no decimal point. A list is joined, and an object is its name.

    >>> text_of(4.0), text_of(" Nina "), text_of("NaN"), text_of([{"name": "A"}, "B"])
    ('4', 'Nina', None, 'A, B')
    >>> text_of('="Nina"'), text_of("'Til Tuesday"), text_of("'@nina")
    ('Nina', "'Til Tuesday", '@nina')
    """
    if isinstance(value, str):
        text = value.strip()
        if text[:1] in ("=", "'"):
            text = _unquoted(text).strip()
            text = text[1:] if text.startswith(_FORMULA_BEGINS) else text
        if text[:1] in _INVISIBLE or text[-1:] in _INVISIBLE:
            text = text.strip(_INVISIBLE + " \u00a0")
        return None if text.lower() in _NOTHING else text
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


_UNKNOWN_NAMES = frozenset({
    "unknown artist", "unknown track", "unknown title", "unknown song", "unknown performer",
    "unknown interpret", "unbekannter künstler", "unbekannter interpret", "unbekannter titel",
    "artiste inconnu", "titre inconnu", "piste inconnue", "artista desconocido",
    "título desconocido", "pista desconocida", "artista sconosciuto", "traccia sconosciuta",
    "artista desconhecido", "faixa desconhecida", "onbekende artiest", "onbekend nummer",
    "okänd artist", "ukjent artist", "ukendt kunstner", "nieznany wykonawca",
    "неизвестный исполнитель", "未知艺术家", "未知藝術家", "未知歌手", "不明なアーティスト",
    "알 수 없는 아티스트",
})  # fmt: skip
"""What players write for an artist or a title that they do not know, in lower case."""


def known_names(artist: str | None, title: str | None) -> tuple[str | None, str | None]:
    """An artist's name and a title, None for a placeholder, so that it unites no tracks.

    A list that was written as a text, as tables of other programs have it, is joined.

    >>> known_names("Unknown Artist", "Sinnerman"), known_names("Nina", "[Unknown Track]")
    ((None, 'Sinnerman'), ('Nina', None))
    >>> known_names("['Miles Davis', 'Gil Evans']", "Solea")
    ('Miles Davis, Gil Evans', 'Solea')
    """
    artist = _joined(artist) if artist and _WRITTEN_LIST.match(artist) else artist
    artist = None if artist is None or _is_placeholder(artist, alone=True) else artist
    title = None if title is None or _is_placeholder(title, alone=artist is None) else title
    return artist, title


def described(text: Any, *, with_album: bool) -> tuple[str | None, str | None, str | None]:
    """The artist, the title and the album in a text such as `Nina Simone - Sinnerman`.

    Jellyfin appends the album, and writes `Not Known` for what it does not know.

    >>> described("Nina - Sinnerman (Live)", with_album=False)
    ('Nina', 'Sinnerman (Live)', None)
    >>> described("Nina - Sinnerman (Live) (Not Known)", with_album=True)
    ('Nina', 'Sinnerman (Live)', None)
    """
    plain = text_of(text) or ""
    artist, is_described, title = plain.partition(" - ")
    if not is_described:
        artist, title = "", plain
    album = _ALBUM.fullmatch(title) if with_album else None
    names = (artist, album["title"] if album else title, album["album"] if album else "")
    return cast(
        tuple[str | None, str | None, str | None],
        tuple(text_of(each) if each != "Not Known" else None for each in names),
    )


_ALBUM = re.compile(r"(?P<title>.+) \((?P<album>(?:[^()]|\([^()]*\))+)\)", re.DOTALL)
_WRITTEN_LIST = re.compile(r"""\[\s*(?:["'{]|\])""")


def _joined(artist: str) -> str | None:
    """The artists of a list in the notation of JSON or Python; the text itself if it is none."""
    if len(artist) > TEXT_LENGTH_MAX:
        return artist
    try:
        return text_of(list(ast.literal_eval(artist)))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return artist


def _is_placeholder(name: str, *, alone: bool) -> bool:
    """`alone`: whether the single word may be one; beside an artist, it is a title."""
    plain = name.strip().strip("<>[]()").lower()
    return plain in _UNKNOWN_NAMES or (alone and plain == "unknown")


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
    text = text_of(unguarded(value))
    if text is None or not _UUID.search(text):
        return None
    return str(UUID(text[-36:]))


_UUID = re.compile(r"(?:^|/)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)
