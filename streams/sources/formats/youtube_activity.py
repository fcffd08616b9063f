"""Reads YouTube's watch history of Google Takeout: one array of activities of any kind.

Only what was watched on YouTube Music is music. The artist is the channel; music channels have
names such as `Nina Simone - Topic`. Advertisements, visits, searches, other videos and removed
videos are ignored by name.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

from streams.sources.files import Part
from streams.sources.formats.column_roles import time_ms_of
from streams.sources.formats.json_stream import objects_of_array
from streams.sources.formats.service_export import Fields, optional_text_in, plays_of, text_in
from streams.sources.plays import ParsedRow

SOURCE = "youtube_activity"
NO_MUSIC = "not of YouTube Music"
ADVERTISEMENT = "an advertisement"
NO_PLAY = "an activity that is no play (a title that does not begin with 'Watched')"
REMOVED = "a video without a name or a channel"
_HEADER = "YouTube Music"
_WATCHED = "Watched "
_TOPIC = " - Topic"


def read(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of `watch-history.json`."""
    return plays_of(objects_of_array(file, part.name), part, SOURCE, _fields)


def _fields(row: Fields) -> dict[str, Any] | str:
    if row.get("details"):
        return ADVERTISEMENT
    if row.get("header") != _HEADER:
        return NO_MUSIC
    title = text_in(row, "title") or ""
    if not title.startswith(_WATCHED):
        return NO_PLAY
    channel, name = _channel_of(row), title.removeprefix(_WATCHED)
    if channel is None or name.startswith("https://"):
        return REMOVED
    try:
        listened_at = time_ms_of(row.get("time"), 1_000.0)
    except ValueError as error:
        raise ValueError(f"time {error}") from None
    return {
        "listened_at": listened_at,
        "track_name": name,
        "artist_name": channel.removesuffix(_TOPIC),
        "source_track_id": optional_text_in(row, "titleUrl"),
    }


def _channel_of(row: Fields) -> str | None:
    subtitles = row.get("subtitles")
    first = subtitles[0] if isinstance(subtitles, list) and subtitles else None
    return text_in(first, "name") if isinstance(first, dict) else None
