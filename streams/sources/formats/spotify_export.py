"""Reads Spotify's exports: the extended streaming history, and the year in the account data.

Extended: `Streaming_History_Audio_*.json` and `_Video_*.json`, older `endsong_*.json`; arrays of
objects. Account data: `StreamingHistory_music_*.json` with `endTime` (UTC minutes), `artistName`,
`trackName`, `msPlayed`.

Special cases: `ts` and `endTime` are when play STOPPED, so a play began `ms_played` earlier.
`skipped` is true for long plays too, so `reason_end` is used instead where it is known. Flags may
be null. Podcasts and audiobooks are mixed with music. `ip_addr` is never read. Published data sets
shorten the names of the fields (`track_name`, `timestamp`).
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from streams.sources.files import Part
from streams.sources.formats import csv_table
from streams.sources.formats.cell_values import length_ms_of, number_of
from streams.sources.formats.json_stream import objects_of_array, objects_of_lines
from streams.sources.formats.row_kinds import PODCAST, PRIVATE, is_yes, reason_end_of
from streams.sources.formats.service_export import (
    Fields,
    optional_text_in,
    plays_of,
    text_in,
)
from streams.sources.formats.times import time_ms_of
from streams.sources.plays import ParsedRow
from topics.listening_event import EARLIEST_LISTENED_AT_MS

EXTENDED_SOURCE = "spotify_export"
ACCOUNT_SOURCE = "spotify_account"

AUDIOBOOK = "an audiobook, not music"


Rows = Iterable[tuple[int, Fields | str]]


def is_extended(keys: Iterable[str]) -> bool:
    """Whether rows with these keys are of the extended streaming history."""
    names = set(keys)
    return "ms_played" in names and bool(names & _EXTENDED_KEYS)


def is_account(keys: Iterable[str]) -> bool:
    """Whether rows with these keys are of the account data."""
    return _ACCOUNT_KEYS.issubset(keys)


_EXTENDED_KEYS = {"spotify_track_uri", "master_metadata_track_name"}
_ACCOUNT_KEYS = {"endTime", "msPlayed"}


def plays_of_extended(rows: Rows, part: Part) -> Iterator[ParsedRow]:
    """Plays of rows of the extended streaming history, whatever file they are from."""
    return plays_of(rows, part, EXTENDED_SOURCE, _extended_fields)


def plays_of_account(rows: Rows, part: Part) -> Iterator[ParsedRow]:
    """Plays of rows of the account data, whatever file they are from."""
    return plays_of(rows, part, ACCOUNT_SOURCE, _account_fields)


def read_extended(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of a file of the extended streaming history."""
    return plays_of_extended(objects_of_array(file, part.name), part)


def read_extended_lines(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of the same objects, one on each line, as other tools store them."""
    return plays_of_extended(objects_of_lines(file), part)


def read_extended_csv(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of the same objects as rows of a CSV file, as other tools store them."""
    return plays_of_extended(csv_table.objects(file), part)


def read_account(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of a file of the account data."""
    return plays_of_account(objects_of_array(file, part.name), part)


def read_account_lines(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of the same objects, one on each line."""
    return plays_of_account(objects_of_lines(file), part)


def read_account_csv(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of the same objects as rows of a CSV file."""
    return plays_of_account(csv_table.objects(file), part)


def _extended_fields(row: Fields) -> dict[str, Any] | str:
    if reason := _why_ignored(row):
        return reason
    played = length_ms_of(row.get("ms_played"), 1.0)
    return {
        "owner": optional_text_in(row, "username"),
        "listened_at": _began_ms(row, played or 0),
        "track_name": text_in(row, _TITLE) or text_in(row, "track_name"),
        "artist_name": text_in(row, _ARTIST) or text_in(row, "artist_name"),
        "release_name": optional_text_in(row, _ALBUM) or optional_text_in(row, "album_name"),
        "source_track_id": _uri_of(text_in(row, "spotify_track_uri")),
        "ms_played": played,
        "reason_end": reason_end_of(optional_text_in(row, "reason_end"), row.get("skipped")),
    }


_TITLE = "master_metadata_track_name"
_ARTIST = "master_metadata_album_artist_name"
_ALBUM = "master_metadata_album_album_name"
_TRACK_ID = re.compile(
    r"(?:https?://open\.spotify\.com/(?:intl-\w+/)?track/)?([0-9A-Za-z]{22})(?:\?.*)?"
)


def _uri_of(told: str | None) -> str | None:
    """The URI of a track, of which data sets have the last part only, or a link.

    >>> _uri_of("4vLYewWIvqHfKtJDk8c8tq"), _uri_of("spotify:track:x")
    ('spotify:track:4vLYewWIvqHfKtJDk8c8tq', 'spotify:track:x')
    """
    found = _TRACK_ID.fullmatch(told) if told else None
    return f"spotify:track:{found[1]}" if found else told


def _why_ignored(row: Fields) -> str | None:
    if is_yes(row.get("incognito_mode")):
        return PRIVATE
    if row.get("spotify_track_uri") or row.get(_TITLE):
        return None
    if row.get("spotify_episode_uri") or row.get("episode_name"):
        return PODCAST
    return AUDIOBOOK if row.get("audiobook_uri") or row.get("audiobook_title") else None


def _account_fields(row: Fields) -> dict[str, Any] | str:
    if row.get("podcastName"):
        return PODCAST
    if row.get("audiobookName"):
        return AUDIOBOOK
    played = length_ms_of(row.get("msPlayed"), 1.0)
    return {
        "listened_at": _stopped_ms(row, "endTime") - (played or 0),
        "track_name": text_in(row, "trackName"),
        "artist_name": text_in(row, "artistName"),
        "ms_played": played,
    }


def _began_ms(row: Fields, played: int) -> int:
    """When a play began; a device without a clock states it in `offline_timestamp` only."""
    began = _stopped_ms(row, "ts" if row.get("ts") is not None else "timestamp") - played
    offline = number_of(row.get("offline_timestamp"))
    if began >= EARLIEST_LISTENED_AT_MS or not offline or offline < 0:
        return began
    offline_ms = time_ms_of(offline)
    return offline_ms if offline_ms >= EARLIEST_LISTENED_AT_MS else began


def _stopped_ms(row: Fields, key: str) -> int:
    try:
        return time_ms_of(row.get(key))
    except ValueError as error:
        raise ValueError(f"{key} {error}") from None
