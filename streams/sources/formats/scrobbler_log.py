"""Reads `.scrobbler.log`, the file of Rockbox and other players: one play per line, split by tabs.

Special cases: a track that was skipped has the rating S, and is ignored. Players without a time
zone write local time, which is read as UTC like every time without a zone.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

from streams.sources.files import Part
from streams.sources.formats.cell_values import length_ms_of, mbid_of, optional_text_of, text_of
from streams.sources.formats.json_stream import TOO_LONG, lines
from streams.sources.formats.row_kinds import SKIPPED
from streams.sources.formats.service_export import Fields, plays_of
from streams.sources.formats.times import time_ms_of
from streams.sources.plays import ParsedRow

SOURCE = "scrobbler_log"
BEGIN = b"#AUDIOSCROBBLER/"
_NAMES = ("artist", "album", "title", "number", "length", "rating", "time", "mbid")


def read(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of a `.scrobbler.log`."""
    return plays_of(_rows(file), part, SOURCE, _fields)


def _rows(file: BinaryIO) -> Iterator[tuple[int, Fields | str]]:
    for row, line in lines(file):
        if line is None:
            yield row, TOO_LONG
        elif line.strip() and not line.startswith(b"#"):
            yield row, _cells(line.decode("utf-8", "surrogateescape").rstrip("\r\n"))


def _cells(line: str) -> Fields | str:
    cells = line.split("\t")
    if not _NAMES.index("time") < len(cells) <= len(_NAMES):
        return f"has {len(cells)} fields, not {len(_NAMES)}"
    return dict(zip(_NAMES, cells, strict=False))


def _fields(row: Fields) -> dict[str, Any] | str:
    if row["rating"].strip().upper() == "S":
        return SKIPPED
    try:
        listened_at = time_ms_of(row["time"])
    except ValueError as error:
        raise ValueError(f"listened_at {error}") from None
    return {
        "listened_at": listened_at,
        "track_name": text_of(row["title"]),
        "artist_name": text_of(row["artist"]),
        "release_name": optional_text_of(row["album"]),
        "duration_ms": length_ms_of(row["length"], 1_000.0),
        "recording_mbid": mbid_of(row.get("mbid")),
    }
