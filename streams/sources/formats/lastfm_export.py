"""Reads Last.fm's recent tracks as JSON pages `[{"track": [...]}, ...]` from export tools.

Answers of its API (`{"recenttracks": ...}`), and arrays of the tracks alone, are read as well.

Special cases: a page with one track contains the track instead of a list. The track that is playing
now has no `date` and is on every page. Numbers are texts, and an unknown MBID is "".
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

from streams.sources.files import Part
from streams.sources.formats.cell_values import optional_text_of
from streams.sources.formats.json_stream import objects_of_array, objects_of_lines
from streams.sources.formats.row_kinds import PLAYING_NOW
from streams.sources.formats.service_export import (
    Fields,
    object_in,
    optional_object_in,
    plays_of,
    text_in,
)
from streams.sources.formats.times import time_ms_of
from streams.sources.plays import ParsedRow

SOURCE = "lastfm_export"
_NOT_NOW = (None, False, "", "0", "false")


def read(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of all pages."""
    return plays_of(enumerate(_tracks(file, part), 1), part, SOURCE, _fields)


def read_lines(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of the tracks alone, one on each line."""
    return plays_of(objects_of_lines(file), part, SOURCE, _fields)


def _tracks(file: BinaryIO, part: Part) -> Iterator[Fields | str]:
    for _, page in objects_of_array(file, part.name):
        tracks = _tracks_of(page) if isinstance(page, dict) else None
        for track in tracks if isinstance(tracks, list) else [tracks]:
            yield track if isinstance(track, dict) else "is not a track"


def _tracks_of(page: Fields) -> Any:
    """The tracks of a page, or of the answer around it; a page may be the track itself."""
    if "name" in page and not {"track", "recenttracks"} & page.keys():
        return page
    return optional_object_in(page, "recenttracks").get("track") or page.get("track")


def _fields(row: Fields) -> dict[str, Any] | str:
    if optional_object_in(row, "@attr").get("nowplaying") not in _NOT_NOW:
        return PLAYING_NOW
    return {
        "listened_at": _listened_at(object_in(row, "date")),
        "track_name": text_in(row, "name"),
        "artist_name": text_in(row, "artist"),
        "release_name": optional_text_of(row.get("album")),
    }


def _listened_at(date: Fields) -> int:
    """The time in s; where it is missing, the text, which is in UTC."""
    try:
        return time_ms_of(date.get("uts") or date.get("#text"))
    except ValueError as error:
        raise ValueError(f"date {error}") from None
