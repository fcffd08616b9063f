"""Reads ListenBrainz exports and dumps: JSON lines, or an array, with `track_metadata`.

Special cases: the time is `listened_at` in exports, `timestamp` or `ts_since_epoch` in dumps, and
may have a fraction. The MBID is in `additional_info` if the player knew it, otherwise in
`mbid_mapping`, which may be null and differs between exports. A listen is therefore identified by
`recording_msid`.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

from streams.sources.files import Part
from streams.sources.formats.cell_values import length_ms_of, mbid_of, text_of
from streams.sources.formats.json_stream import objects_of_array, objects_of_lines
from streams.sources.formats.row_kinds import PLAYING_NOW, is_yes
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

SOURCE = "listenbrainz_export"
PINNED = "a recording that was pinned, not a play"
_TIMES = ("listened_at", "timestamp", "ts_since_epoch")


def read_lines(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of `listens/*.jsonl` and `*.listens`."""
    return plays_of(objects_of_lines(file), part, SOURCE, _fields)


def read_array(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of an older export: one array."""
    return plays_of(objects_of_array(file, part.name), part, SOURCE, _fields)


def _fields(row: Fields) -> dict[str, Any] | str:
    if is_yes(row.get("playing_now")) or row.get("listen_type") == "playing_now":
        return PLAYING_NOW
    if "pinned_until" in row:
        return PINNED
    track = object_in(row, "track_metadata")
    more = optional_object_in(track, "additional_info")
    mapping = optional_object_in(track, "mbid_mapping")
    return {
        "listener_id": text_of(row.get("user_name")),
        "listened_at": _listened_at(row),
        "track_name": text_in(track, "track_name"),
        "artist_name": text_in(track, "artist_name"),
        "release_name": optional_text_in(track, "release_name"),
        "recording_mbid": _mbid(more) or _mbid(mapping),
        "source_track_id": _msid(row) or _msid(track) or _msid(more),
        "ms_played": _length_ms(more, "ms_played", "duration_played"),
        "duration_ms": _length_ms(more, "duration_ms", "duration"),
    }


def _listened_at(row: Fields) -> int:
    """The first of the times that is not null, in s; some dumps have ms or a text."""
    told = next((row[key] for key in _TIMES if row.get(key) is not None), None)
    try:
        return time_ms_of(told)
    except ValueError as error:
        raise ValueError(f"listened_at {error}") from None


def _msid(fields: Fields) -> str | None:
    return optional_text_in(fields, "recording_msid")


def _mbid(fields: Fields) -> str | None:
    return mbid_of(fields.get("recording_mbid"))


def _length_ms(more: Fields, key_ms: str, key_s: str) -> int | None:
    for key, scale in ((key_ms, 1.0), (key_s, 1_000.0)):
        if (ms := length_ms_of(more.get(key), scale)) is not None:
            return ms
    return None
