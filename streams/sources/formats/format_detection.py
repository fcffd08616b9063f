"""Recognises the format of a file by its content, not by its name."""

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, cast

from streams.sources.files import Part
from streams.sources.formats import (
    csv_table,
    event_export,
    json_table,
    koito_export,
    lastfm_export,
    listenbrainz_export,
    maloja_export,
    parquet_table,
    scrobbler_log,
    spotify_api,
    spotify_export,
    youtube_activity,
)
from streams.sources.formats.column_roles import REQUIRED, has_plays, roles_of
from streams.sources.formats.inner_array import INSPECTED_BYTES, InnerArray, begin_of_array
from streams.sources.formats.json_stream import Concatenated, keys_of_objects
from streams.sources.formats.json_table import WRAPPERS
from streams.sources.formats.keyed_rows import Begin, KeyedRows, begin_of_rows
from streams.sources.formats.table_rows import checked_roles
from streams.sources.formats.text_encoding import WINDOWS_1252, is_windows_1252, utf_16_of
from streams.sources.plays import ParsedRow
from topics.errors import HistoryError

HEAD_BYTES = 65_536
"""Number of bytes at the start of a file that are inspected."""
_DEPTH_MAX = 8
"""Maximum depth of nesting; no known format nests deeper."""


class HistoryFormat(StrEnum):
    """The formats that can be read."""

    ZIP = "zip archive"
    SPOTIFY_EXTENDED = "Spotify extended streaming history"
    SPOTIFY_EXTENDED_LINES = "Spotify extended streaming history, one object per line"
    SPOTIFY_EXTENDED_CSV = "Spotify extended streaming history, as CSV"
    SPOTIFY_ACCOUNT = "Spotify account data"
    SPOTIFY_ACCOUNT_LINES = "Spotify account data, one object per line"
    SPOTIFY_ACCOUNT_CSV = "Spotify account data, as CSV"
    SPOTIFY_API = "answer of Spotify's Web API"
    SPOTIFY_API_LINES = "items of Spotify's Web API, one per line"
    SPOTIFY_API_CSV = "items of Spotify's Web API, as CSV"
    LISTENBRAINZ_LINES = "ListenBrainz listens"
    LISTENBRAINZ_ARRAY = "ListenBrainz listens, one array"
    LASTFM_PAGES = "Last.fm pages"
    LASTFM_LINES = "Last.fm tracks, one per line"
    MALOJA = "Maloja scrobbles"
    KOITO = "Koito listens"
    SCROBBLER_LOG = "log of a portable player"
    YOUTUBE_ACTIVITY = "YouTube activity of Google Takeout"
    YOUTUBE_ACTIVITY_LINES = "YouTube activity of Google Takeout, one object per line"
    PARQUET = "Parquet table"
    CSV = "CSV table"
    JSON_LINES = "JSON lines table"
    JSON_ARRAY = "JSON array table"
    EVENT_LINES = "EchoTune export"
    PACKED_EVENT_LINES = "packed EchoTune export"
    INNER_ARRAY = "array in a JSON object"
    KEYED_ROWS = "rows in a JSON object"
    CONCATENATED = "JSON objects one after another"
    NO_ROWS = "empty JSON array"
    OTHER_ENCODING = "text in UTF-16 or Windows-1252"


Reader = Callable[[BinaryIO, Part], Iterator[ParsedRow]]

READERS: dict[HistoryFormat, Reader] = {
    HistoryFormat.SPOTIFY_EXTENDED: spotify_export.read_extended,
    HistoryFormat.SPOTIFY_EXTENDED_LINES: spotify_export.read_extended_lines,
    HistoryFormat.SPOTIFY_EXTENDED_CSV: spotify_export.read_extended_csv,
    HistoryFormat.SPOTIFY_ACCOUNT: spotify_export.read_account,
    HistoryFormat.SPOTIFY_ACCOUNT_LINES: spotify_export.read_account_lines,
    HistoryFormat.SPOTIFY_ACCOUNT_CSV: spotify_export.read_account_csv,
    HistoryFormat.SPOTIFY_API: spotify_api.read,
    HistoryFormat.SPOTIFY_API_LINES: spotify_api.read_lines,
    HistoryFormat.SPOTIFY_API_CSV: spotify_api.read_csv,
    HistoryFormat.LISTENBRAINZ_LINES: listenbrainz_export.read_lines,
    HistoryFormat.LISTENBRAINZ_ARRAY: listenbrainz_export.read_array,
    HistoryFormat.LASTFM_PAGES: lastfm_export.read,
    HistoryFormat.LASTFM_LINES: lastfm_export.read_lines,
    HistoryFormat.MALOJA: maloja_export.read,
    HistoryFormat.KOITO: koito_export.read,
    HistoryFormat.SCROBBLER_LOG: scrobbler_log.read,
    HistoryFormat.YOUTUBE_ACTIVITY: youtube_activity.read,
    HistoryFormat.YOUTUBE_ACTIVITY_LINES: youtube_activity.read_lines,
    HistoryFormat.PARQUET: parquet_table.read,
    HistoryFormat.CSV: csv_table.read,
    HistoryFormat.JSON_LINES: json_table.read_lines,
    HistoryFormat.JSON_ARRAY: json_table.read_array,
    HistoryFormat.EVENT_LINES: event_export.read_lines,
    HistoryFormat.PACKED_EVENT_LINES: event_export.read_packed_lines,
    HistoryFormat.NO_ROWS: lambda file, part: iter(()),
}


def recognise(path: Path) -> HistoryFormat:
    """Format of the file at `path`; `HistoryError` if it is not a known one."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if encoding_of(head, file) is not None:
            return HistoryFormat.OTHER_ENCODING
    return format_of(head) or unknown(str(path), head)


def encoding_of(head: bytes, file: BinaryIO) -> str | None:
    """The codec of a text that is no UTF-8; reads the file from its beginning and goes back."""
    if (codec := utf_16_of(head)) is not None:
        return codec
    file.seek(0)
    is_text = foreign_kind(head) is None and not _BINARY.search(head)
    return WINDOWS_1252 if is_text and is_windows_1252(file) else None


def format_of(head: bytes) -> HistoryFormat | None:
    """Format of a file that begins with `head`."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return HistoryFormat.ZIP
    if head.startswith(b"PAR1"):
        return HistoryFormat.PARQUET
    if head.startswith(_ZSTANDARD):
        is_export = event_export.is_export(_keys_of_lines(event_export.unpacked_head(head)))
        return HistoryFormat.PACKED_EVENT_LINES if is_export else None
    return _text_format(head.removeprefix(b"\xef\xbb\xbf").lstrip())


def _text_format(text: bytes) -> HistoryFormat | None:
    if text.startswith(b"["):
        return _array_format(text)
    if text.startswith(scrobbler_log.BEGIN):
        return HistoryFormat.SCROBBLER_LOG
    return _object_format(text) if text.startswith(b"{") else _csv_format(text)


_BY_KEYS: tuple[
    tuple[Callable[[set[str], set[str]], bool], HistoryFormat, HistoryFormat], ...
] = (
    (lambda keys, _: "track_metadata" in keys,
     HistoryFormat.LISTENBRAINZ_ARRAY, HistoryFormat.LISTENBRAINZ_LINES),
    (lambda keys, _: spotify_export.is_extended(keys),
     HistoryFormat.SPOTIFY_EXTENDED, HistoryFormat.SPOTIFY_EXTENDED_LINES),
    (lambda keys, _: spotify_export.is_account(keys),
     HistoryFormat.SPOTIFY_ACCOUNT, HistoryFormat.SPOTIFY_ACCOUNT_LINES),
    (spotify_api.is_item, HistoryFormat.SPOTIFY_API, HistoryFormat.SPOTIFY_API_LINES),
    (lambda keys, _: {"header", "title", "time"} <= keys,
     HistoryFormat.YOUTUBE_ACTIVITY, HistoryFormat.YOUTUBE_ACTIVITY_LINES),
)  # fmt: skip
"""Whether rows with these keys, and with those of their track, are of a service; the format of
their array, and of one on each line."""


def _of_keys(keys: set[str], keys_of_track: set[str]) -> tuple[HistoryFormat, HistoryFormat] | None:
    found = (formats for is_row, *formats in _BY_KEYS if is_row(keys, keys_of_track))
    return next(((array, lines) for array, lines in found), None)


def _array_format(text: bytes) -> HistoryFormat | None:
    if text[1:].lstrip().startswith(b"]"):
        return HistoryFormat.NO_ROWS
    keys = _keys(text, "[]")
    if known := _of_keys(keys, _keys(text, "[]/track")):
        return known[0]
    for needed, path, key, found in _BY_INNER_KEYS:
        is_page = found is HistoryFormat.LASTFM_PAGES and needed == {"track"}
        if is_page and _are_of_plays(keys):
            continue  # a track beside its time, as Funkwhale's API answers
        if needed <= keys and key in _keys(text, path, path + "/[]"):
            return found
    if _are_of_plays(keys) or _are_of_plays(_keys(text, "[]", *(f"[]/{key}" for key in WRAPPERS))):
        return HistoryFormat.JSON_ARRAY
    return None


def _are_of_plays(keys: set[str]) -> bool:
    return has_plays(roles_of(sorted(keys)))


_BY_INNER_KEYS = (
    ({"track"}, "[]/track", "name", HistoryFormat.LASTFM_PAGES),
    ({"recenttracks"}, "[]/recenttracks/track", "name", HistoryFormat.LASTFM_PAGES),
    ({"name", "date"}, "[]/date", "uts", HistoryFormat.LASTFM_PAGES),
    ({"time", "track"}, "[]/track", "title", HistoryFormat.MALOJA),
    ({"listened_at", "track"}, "[]/track", "aliases", HistoryFormat.KOITO),
)


def _object_format(text: bytes) -> HistoryFormat | None:
    """Lines of objects, or one object around an array of plays."""
    found = _lines_format(text)
    is_lines = found is not None and _lines_format(text.split(b"\n", 1)[0]) is not None
    if not is_lines and _inner_array_of(text) is not None:
        return HistoryFormat.INNER_ARRAY
    if found is None and begin_of_rows(text, _holds_plays) is not None:
        return HistoryFormat.KEYED_ROWS
    if found is None and _ANOTHER_OBJECT.search(text) and _holds_plays(b"[" + text):
        return HistoryFormat.CONCATENATED
    return found


_ANOTHER_OBJECT = re.compile(rb"\}\s*\n\s*\{")


def _holds_plays(array: bytes) -> bool:
    return _array_format(array) not in (None, HistoryFormat.NO_ROWS)


def _inner_array_of(text: bytes) -> int | None:
    return begin_of_array(text, _holds_plays)


def _read_inner_array(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    head = file.read(HEAD_BYTES)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    begin = _inner_array_of(text) or 0
    found = _array_format(text[begin : begin + INSPECTED_BYTES]) or HistoryFormat.NO_ROWS
    array = InnerArray(file, len(head) - len(text) + begin)
    yield from READERS[found](cast(BinaryIO, array), part)


def _read_keyed_rows(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    head = file.read(HEAD_BYTES)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    begin = begin_of_rows(text, _holds_plays) or Begin(0, has_times=False)
    begin = begin._replace(at=len(head) - len(text) + begin.at)
    found = _array_format(KeyedRows(file, begin).read(INSPECTED_BYTES)) or HistoryFormat.NO_ROWS
    yield from READERS[found](cast(BinaryIO, KeyedRows(file, begin)), part)


def _read_concatenated(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    head = file.read(HEAD_BYTES)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    file.seek(len(head) - len(text))
    found = _array_format(b"[" + text) or HistoryFormat.NO_ROWS
    yield from READERS[found](cast(BinaryIO, Concatenated(file)), part)


READERS[HistoryFormat.CONCATENATED] = _read_concatenated
READERS[HistoryFormat.INNER_ARRAY] = _read_inner_array
READERS[HistoryFormat.KEYED_ROWS] = _read_keyed_rows


def _lines_format(text: bytes) -> HistoryFormat | None:
    keys = _keys_of_lines(text)
    if event_export.is_export(keys):
        return HistoryFormat.EVENT_LINES
    if known := _of_keys(keys, _keys_of_lines(text, "track")):
        return known[1]
    if {"name", "date"} <= keys and "uts" in _keys_of_lines(text, "date"):
        return HistoryFormat.LASTFM_LINES
    if _are_of_plays(keys) or _are_of_plays(_keys_of_lines(text, "", *WRAPPERS)):
        return HistoryFormat.JSON_LINES
    return None


def _keys_of_lines(text: bytes, *paths: str) -> set[str]:
    """Keys of the objects at `paths` on the first lines, the last of which may be cut off."""
    lines = text.split(b"\n", _LINES_INSPECTED)[:_LINES_INSPECTED]
    return {key for line in lines for key in _keys(line, *(paths or ("",)))}


_LINES_INSPECTED = 100


def _csv_format(text: bytes) -> HistoryFormat | None:
    if b"\x00" in text.split(b"\n", 1)[0]:  # an archive of tables begins with other bytes
        return None
    columns = _columns_of(text)
    if spotify_export.is_extended(columns):
        return HistoryFormat.SPOTIFY_EXTENDED_CSV
    if spotify_export.is_account(columns):
        return HistoryFormat.SPOTIFY_ACCOUNT_CSV
    if spotify_api.is_flat(columns):
        return HistoryFormat.SPOTIFY_API_CSV
    return HistoryFormat.CSV if has_plays(roles_of(columns)) else None


def _columns_of(text: bytes) -> list[str]:
    """Names of the columns, if `text` is the beginning of a table."""
    if text.startswith((b"{", b"[")):
        return sorted(_keys(text, "[]") if text.startswith(b"[") else _keys_of_lines(text))
    return csv_table.columns_and_delimiter(_header_of(text))[0]


def _header_of(text: bytes) -> str:
    begin = text.split(b"\n", _LINES_INSPECTED)[: csv_table.LINES_BEFORE_HEADER_MAX + 1]
    lines = [line.decode("utf-8", "replace").strip("\r ") for line in begin]
    found = next((line for line in lines if csv_table.is_header(line)), None)
    return found or next((line for line in lines if line), "")


def _keys(text: bytes, *paths: str) -> set[str]:
    """Keys of the objects at one of `paths`; `text` may be cut off anywhere."""
    return keys_of_objects(text, paths, _DEPTH_MAX)


PDF = b"%PDF"
NO_HISTORY = "Give the files with the plays, as JSON or CSV."
"""The remedy for documents that accompany an export."""
_UNPACK, _AS_CSV = "Unpack it.", "Save it as CSV."
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_FOREIGN: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\xff\xfe\x00\x00", "UTF-32 text", "Save it as UTF-8."),
    (0, b"\x00\x00\xfe\xff", "UTF-32 text", "Save it as UTF-8."),
    (0, b"\x1f\x8b", "packed with gzip", "Unpack it with gunzip."),
    (0, b"BZh", "packed with bzip2", "Unpack it with bunzip2."),
    (0, b"\xfd7zXZ\x00", "packed with xz", "Unpack it with unxz."),
    (0, _ZSTANDARD, "packed with Zstandard", "Unpack it with unzstd."),
    (0, b"\x04\x22\x4d\x18", "packed with LZ4", "Unpack it with unlz4."),
    (0, b"LZIP", "packed with lzip", "Unpack it with lunzip."),
    (0, b"\x5d\x00\x00", "packed with LZMA", "Unpack it with unlzma."),
    (0, b"\x1f\x9d", "packed with compress", "Unpack it with uncompress."),
    (0, b"\xff\x06\x00\x00sNaPpY", "packed with Snappy", _UNPACK),
    (0, b"MSCF", "a cabinet archive", _UNPACK),
    (0, b"PK\x07\x08", "a part of a split archive", _UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (0, b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK),
    (0, b"SQLite format 3\x00", "an SQLite database", "Export its table of plays as CSV."),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a spreadsheet or another document", _AS_CSV),
    (0, b"ARROW1", "an Arrow file", "Save it as Parquet."),
    (0, b"FEA1", "a Feather file", "Save it as Parquet."),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", "Save it as Parquet."),
    (0, b"\x93NUMPY", "a NumPy array", "Save it as Parquet."),
    (0, b"ORC", "an ORC table", "Save it as Parquet."),
    (0, b"Obj\x01", "an Avro file", "Save it as Parquet or JSON lines."),
    (0, b"{\\rtf", "a text document", NO_HISTORY),
    (0, PDF, "a PDF document", NO_HISTORY),
)
"""Offset, magic bytes, what the file is, and what to do."""


def foreign_kind(head: bytes) -> tuple[str, str] | None:
    """What a file is that begins with `head`, and what to do with it, if it is known by its bytes.

    >>> foreign_kind(b"7z\\xbc\\xaf\\x27\\x1c")
    ('a 7-Zip archive', 'Unpack it.')
    """
    found = (each for each in _FOREIGN if head[each[0] :].startswith(each[1]))
    return next(((what, remedy) for _, _, what, remedy in found), _foreign_text(head))


def _foreign_text(head: bytes) -> tuple[str, str] | None:
    if b"\r" in head.rstrip(b"\r") and b"\n" not in head:
        return "a text whose lines end in carriage returns only", "Save it with line feeds."
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:_MARKUP_BYTES].lower()
    if begin.startswith((b"<!doctype html", b"<html", b"<table")):
        return "a web page", NO_HISTORY
    return ("an XML document", NO_HISTORY) if begin.startswith(b"<") else None


_MARKUP_BYTES = 32
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Bytes that no text has."""


def unknown(name: str, head: bytes) -> HistoryFormat:
    """Raises the `HistoryError` that names the known formats, or the problem of this file."""
    if not head.removeprefix(b"\xef\xbb\xbf").strip():
        raise HistoryError(f"{name} is empty.", "Copy or export it again.")
    if known := foreign_kind(head):
        raise HistoryError(f"{name} is {known[0]}.", known[1])
    if _BINARY.search(head):
        raise HistoryError(f"{name} is no text, and no archive or table that is known.", NO_HISTORY)
    columns = _columns_of(head.removeprefix(b"\xef\xbb\xbf").lstrip())
    if roles_of(columns):
        checked_roles(columns, name)
    first = _header_of(head)[:80]
    raise HistoryError(
        f"{name} is no listening history that is known; it begins with {first!r}.",
        "Known are Spotify, ListenBrainz and Last.fm exports, and Parquet, CSV or JSON tables "
        f"with columns for {REQUIRED}.",
    )
