"""Reads the scrobbles of Maloja: a time, and a track with a list of artists."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from streams.sources.files import Part
from streams.sources.formats.cell_values import length_ms_of, optional_text_of, text_of
from streams.sources.formats.json_stream import objects_of_array
from streams.sources.formats.service_export import (
    Fields,
    object_in,
    optional_object_in,
    plays_of,
    text_in,
)
from streams.sources.formats.times import time_ms_of
from streams.sources.plays import ParsedRow

SOURCE = "maloja_export"


def read(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of an array of scrobbles."""
    return plays_of(objects_of_array(file, part.name), part, SOURCE, _fields)


def _fields(row: Fields) -> dict[str, Any]:
    track = object_in(row, "track")
    try:
        listened_at = time_ms_of(row.get("time"))
    except ValueError as error:
        raise ValueError(f"time {error}") from None
    return {
        "listened_at": listened_at,
        "track_name": text_in(track, "title"),
        "artist_name": text_of(track.get("artists")),
        "release_name": optional_text_of(optional_object_in(track, "album").get("albumtitle")),
        "ms_played": length_ms_of(row.get("duration"), 1_000.0),
        "duration_ms": length_ms_of(track.get("length"), 1_000.0),
    }
