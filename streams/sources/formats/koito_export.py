"""Reads the listens of Koito: a time, a track, an album and artists, each a list of its names."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from streams.sources.files import Part
from streams.sources.formats.cell_values import length_ms_of, mbid_of, optional_text_of, text_of
from streams.sources.formats.json_stream import objects_of_array
from streams.sources.formats.service_export import Fields, object_in, optional_object_in, plays_of
from streams.sources.formats.times import time_ms_of
from streams.sources.plays import ParsedRow

SOURCE = "koito_export"


def read(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of an array of listens."""
    return plays_of(objects_of_array(file, part.name), part, SOURCE, _fields)


def _fields(row: Fields) -> dict[str, Any]:
    track, artists = object_in(row, "track"), row.get("artists")
    try:
        listened_at = time_ms_of(row.get("listened_at"))
    except ValueError as error:
        raise ValueError(f"listened_at {error}") from None
    return {
        "listened_at": listened_at,
        "track_name": _name_of(track),
        "artist_name": text_of([_name_of(each) for each in _objects(artists)]),
        "release_name": optional_text_of(_name_of(optional_object_in(row, "album"))),
        "recording_mbid": mbid_of(track.get("mbid")),
        "duration_ms": length_ms_of(track.get("duration"), 1_000.0),
    }


def _name_of(thing: Fields) -> str | None:
    """The name that is marked as primary, or else the first."""
    names = _objects(thing.get("aliases"))
    primary = [each for each in names if each.get("is_primary") is True]
    return next((text for each in primary + names if (text := text_of(each.get("alias")))), None)


def _objects(value: Any) -> list[Fields]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
