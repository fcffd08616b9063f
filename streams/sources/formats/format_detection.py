"""Recognises the format of a file by its content, not by its name."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import ijson

from streams.sources.files import Part
from streams.sources.formats import (
    csv_table,
    json_table,
    lastfm_export,
    listenbrainz_export,
    parquet_table,
    spotify_export,
)
from streams.sources.formats.column_roles import REQUIRED, has_plays, roles_of
from streams.sources.formats.table_rows import checked_roles
from streams.sources.plays import ParsedRow
from topics.errors import HistoryError

HEAD_BYTES = 65_536
"""Number of bytes at the start of a file that are inspected."""
_BYTES_AT_ONCE = 1_024
_DEPTH_MAX = 8
"""Maximum depth of nesting; no known format nests deeper."""


class HistoryFormat(StrEnum):
    """The formats that can be read."""

    ZIP = "zip archive"
    SPOTIFY_EXTENDED = "Spotify extended streaming history"
    SPOTIFY_ACCOUNT = "Spotify account data"
    LISTENBRAINZ_LINES = "ListenBrainz listens"
    LISTENBRAINZ_ARRAY = "ListenBrainz listens, one array"
    LASTFM_PAGES = "Last.fm pages"
    PARQUET = "Parquet table"
    CSV = "CSV table"
    JSON_LINES = "JSON lines table"
    JSON_ARRAY = "JSON array table"
    NO_ROWS = "empty JSON array"


Reader = Callable[[BinaryIO, Part], Iterator[ParsedRow]]

READERS: dict[HistoryFormat, Reader] = {
    HistoryFormat.SPOTIFY_EXTENDED: spotify_export.read_extended,
    HistoryFormat.SPOTIFY_ACCOUNT: spotify_export.read_account,
    HistoryFormat.LISTENBRAINZ_LINES: listenbrainz_export.read_lines,
    HistoryFormat.LISTENBRAINZ_ARRAY: listenbrainz_export.read_array,
    HistoryFormat.LASTFM_PAGES: lastfm_export.read,
    HistoryFormat.PARQUET: parquet_table.read,
    HistoryFormat.CSV: csv_table.read,
    HistoryFormat.JSON_LINES: json_table.read_lines,
    HistoryFormat.JSON_ARRAY: json_table.read_array,
    HistoryFormat.NO_ROWS: lambda file, part: iter(()),
}


def recognise(path: Path) -> HistoryFormat:
    """Format of the file at `path`; `HistoryError` if it is not a known one."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return format_of(head) or unknown(str(path), head)


def format_of(head: bytes) -> HistoryFormat | None:
    """Format of a file that begins with `head`."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return HistoryFormat.ZIP
    if head.startswith(b"PAR1"):
        return HistoryFormat.PARQUET
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"["):
        return _array_format(text)
    return _lines_format(text) if text.startswith(b"{") else _csv_format(text)


def _array_format(text: bytes) -> HistoryFormat | None:
    if text[1:].lstrip().startswith(b"]"):
        return HistoryFormat.NO_ROWS
    keys = _first_keys(text, "item")
    if {"ms_played", "spotify_track_uri"} <= keys:
        return HistoryFormat.SPOTIFY_EXTENDED
    if {"endTime", "msPlayed"} <= keys:
        return HistoryFormat.SPOTIFY_ACCOUNT
    if "track_metadata" in keys:
        return HistoryFormat.LISTENBRAINZ_ARRAY
    if "track" in keys and "name" in _first_keys(text, "item.track", "item.track.item"):
        return HistoryFormat.LASTFM_PAGES
    return HistoryFormat.JSON_ARRAY if has_plays(roles_of(sorted(keys))) else None


def _lines_format(text: bytes) -> HistoryFormat | None:
    keys = _first_keys(text.split(b"\n", 1)[0], "")
    if "track_metadata" in keys:
        return HistoryFormat.LISTENBRAINZ_LINES
    return HistoryFormat.JSON_LINES if has_plays(roles_of(sorted(keys))) else None


def _csv_format(text: bytes) -> HistoryFormat | None:
    return HistoryFormat.CSV if has_plays(roles_of(_columns_of(text))) else None


def _columns_of(text: bytes) -> list[str]:
    """Names of the columns, if `text` is the beginning of a table."""
    if text.startswith((b"{", b"[")):
        return sorted(_first_keys(text, "item" if text.startswith(b"[") else ""))
    header = _header_of(text)
    return csv_table.columns_of(header, csv_table.delimiter_of(header))


def _header_of(text: bytes) -> str:
    return text.split(b"\n", 1)[0].decode("utf-8", "replace").strip("\r")


def _first_keys(text: bytes, *objects: str) -> set[str]:
    """Keys of the first object at one of the paths `objects`; `text` may be cut off anywhere."""
    keys = set()
    with suppress(ijson.JSONError):
        for path, event, value in ijson.parse(BytesIO(text), buf_size=_BYTES_AT_ONCE):
            if path.count(".") > _DEPTH_MAX:
                break
            if path in objects and event == "map_key":
                keys.add(value)
            elif path in objects and event == "end_map":
                break
    return keys


def unknown(name: str, head: bytes) -> HistoryFormat:
    """Raises the `HistoryError` that names the known formats, or the problem of this file."""
    if not head:
        raise HistoryError(f"{name} is empty.", "Copy or export it again.")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise HistoryError(f"{name} is UTF-16 text.", "Save it as UTF-8.")
    if head.startswith(b"\x1f\x8b"):
        raise HistoryError(f"{name} is packed with gzip.", "Unpack it with gunzip.")
    columns = _columns_of(head.removeprefix(b"\xef\xbb\xbf").lstrip())
    if roles_of(columns):
        checked_roles(columns, name)
    first = _header_of(head)[:80]
    raise HistoryError(
        f"{name} is no listening history that is known; it begins with {first!r}.",
        "Known are Spotify, ListenBrainz and Last.fm exports, and Parquet, CSV or JSON tables "
        f"with columns for {REQUIRED}.",
    )
