"""Reads YouTube's watch history of Google Takeout: one array of activities of any kind.

Only what was watched on YouTube Music is music. The artist is the channel; music channels have
names such as `Nina Simone - Topic`. Advertisements, visits, searches, other videos and removed
videos are ignored by name. Takeout writes in the language of the account: `Watched Sinnerman`,
`Sinnerman angesehen`.
"""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from streams.sources.files import Part
from streams.sources.formats.json_stream import objects_of_array, objects_of_lines
from streams.sources.formats.service_export import Fields, optional_text_in, plays_of, text_in
from streams.sources.formats.times import time_ms_of
from streams.sources.plays import ParsedRow

SOURCE = "youtube_activity"
NO_MUSIC = "not of YouTube Music"
ADVERTISEMENT = "an advertisement"
NO_PLAY = "an activity that is no play (its title does not say 'Watched' in a known language)"
REMOVED = "a video without a name or a channel"
_HEADER, _OTHER_HEADER = "YouTube Music", "YouTube"
_WATCH_URL = "https://music.youtube.com/watch"
_BEFORE = ("Watched ", "Vous avez regardé ", "Has visto ", "Viste ", "Hai guardato ", "Assistiu a ",
           "Você assistiu a ", "Viu ", "Bekeken: ", "Tittade på ", "Du tittade på ", "Har set ",
           "Så på ", "Du har sett ", "Obejrzano: ", "Obejrzano ", "Katsottu: ", "Просмотрено: ",
           "Вы посмотрели видео ", "已观看 ", "观看了 ", "已觀看 ", "觀看了 ")  # fmt: skip
_AFTER = (" angesehen", " bekeken", " gekeken", " adlı videoyu izlediniz", " izlendi",
          " を視聴しました", "を視聴しました", " 을(를) 시청했습니다.",
          "을(를) 시청했습니다.")  # fmt: skip
"""What Takeout writes around a title for "Watched", by the language of the account."""
_QUOTED = re.compile("[«„“](.*)[»“”]", re.DOTALL)
_TOPIC = re.compile(r" [-–] (?:Topic|Thema|Tema|Temat|Thème|Sujet|Onderwerp|Argomento)$")


def read(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of `watch-history.json`."""
    return plays_of(objects_of_array(file, part.name), part, SOURCE, _fields)


def read_lines(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of the same objects, one on each line."""
    return plays_of(objects_of_lines(file), part, SOURCE, _fields)


def _fields(row: Fields) -> dict[str, Any] | str:
    if row.get("details"):
        return ADVERTISEMENT
    if not _is_music(row):
        return NO_MUSIC
    name, channel = _watched(text_in(row, "title") or ""), _channel_of(row)
    if name is None:
        return NO_PLAY
    if channel is None or name.startswith("https://"):
        return REMOVED
    try:
        listened_at = time_ms_of(row.get("time"))
    except ValueError as error:
        raise ValueError(f"time {error}") from None
    return {
        "listened_at": listened_at,
        "track_name": name,
        "artist_name": _TOPIC.sub("", channel),
        "source_track_id": optional_text_in(row, "titleUrl"),
    }


def _is_music(row: Fields) -> bool:
    """Whether a row is of YouTube Music, by its header or, if that is translated, by its link."""
    header, link = row.get("header"), str(row.get("titleUrl"))
    return header == _HEADER or (header != _OTHER_HEADER and link.startswith(_WATCH_URL))


def _watched(title: str) -> str | None:
    """The name of what was watched; None if the title does not say that it was.

    >>> _watched("Watched Sinnerman"), _watched("Sinnerman angesehen"), _watched("Visited YouTube")
    ('Sinnerman', 'Sinnerman', None)
    """
    plain = title.replace("\u00a0", " ").strip()
    name = next((plain.removeprefix(each) for each in _BEFORE if plain.startswith(each)), None)
    if name is None:
        name = next((plain.removesuffix(each) for each in _AFTER if plain.endswith(each)), None)
    quoted = _QUOTED.fullmatch(name.strip()) if name else None
    return (quoted[1] if quoted else name or "").strip() or None


def _channel_of(row: Fields) -> str | None:
    subtitles = row.get("subtitles")
    first = subtitles[0] if isinstance(subtitles, list) and subtitles else None
    return text_in(first, "name") if isinstance(first, dict) else None
