"""Reads what Spotify's Web API answers to `recently-played`: `items` with a track and its time.

Special cases: `played_at` is when play STOPPED, and how long it was played is not told, so a play
began about the length of its track earlier. Episodes are no music.
"""

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from streams.sources.files import Part
from streams.sources.formats import csv_table
from streams.sources.formats.cell_values import length_ms_of, optional_text_of, text_of
from streams.sources.formats.json_stream import objects_of_array, objects_of_lines
from streams.sources.formats.row_kinds import PODCAST
from streams.sources.formats.service_export import (
    Fields,
    object_in,
    optional_object_in,
    optional_text_in,
    plays_of,
    text_in,
)
from streams.sources.formats.times import time_ms_of
from streams.sources.plays import ParsedRow

SOURCE = "spotify_api"


def is_item(keys: set[str], keys_of_track: set[str]) -> bool:
    """Whether an object with these keys, and its track with those, is one of the `items`."""
    return {"track", "played_at"} <= keys and {"name", "artists", "duration_ms"} <= keys_of_track


def is_flat(columns: Iterable[str]) -> bool:
    """Whether a table has the items, with a column for each field of their tracks."""
    return {"played_at", "track.name", "track.duration_ms"} <= {*columns}


def read_csv(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of items whose fields are columns such as `track.name`."""
    rows = ((row, fields if isinstance(fields, str) else _nested(fields))
            for row, fields in csv_table.objects(file))  # fmt: skip
    return plays_of(rows, part, SOURCE, _fields)


def _nested(row: Fields) -> Fields:
    """The item of a row.

    >>> _nested({"played_at": "1", "track.name": "Solea", "track.album.name": "Sketches"})
    {'played_at': '1', 'track': {'name': 'Solea', 'album': {'name': 'Sketches'}}}
    """
    item: Fields = {}
    for name, cell in row.items():
        *path, last = name.split(".")[:_DEPTH_MAX]
        inner = item
        for key in path:
            inner = inner.setdefault(key, {})
            if not isinstance(inner, dict):
                break
        else:
            inner[last] = cell
    return item


_DEPTH_MAX = 4


def read(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of an array of items."""
    return plays_of(objects_of_array(file, part.name), part, SOURCE, _fields)


def read_lines(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of items, one on each line."""
    return plays_of(objects_of_lines(file), part, SOURCE, _fields)


def _fields(row: Fields) -> dict[str, Any] | str:
    track = object_in(row, "track")
    if track.get("type") == "episode":
        return PODCAST
    length = length_ms_of(track.get("duration_ms"), 1.0)
    try:
        stopped = time_ms_of(row.get("played_at"))
    except ValueError as error:
        raise ValueError(f"played_at {error}") from None
    return {
        "listened_at": stopped - (length or 0),
        "track_name": text_in(track, "name"),
        "artist_name": text_of(track.get("artists")),
        "release_name": optional_text_of(optional_object_in(track, "album").get("name")),
        "source_track_id": optional_text_in(track, "uri"),
        "duration_ms": length,
    }
