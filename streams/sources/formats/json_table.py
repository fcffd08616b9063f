"""Reads JSON objects as rows of a table of plays: one per line, or the elements of an array.

Special cases: objects may have different keys, so the columns are those of the first rows. A track
may be an object with the artist in it, as in the APIs of Funkwhale and Spotify, and MongoDB's
tools write `{"$date": ...}`.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, BinaryIO

from streams.sources.files import Part
from streams.sources.formats.column_roles import has_plays, roles_of
from streams.sources.formats.json_stream import objects_of_array, objects_of_lines
from streams.sources.formats.table_rows import (
    ROWS_INSPECTED,
    NumberedCells,
    plays_of_table,
    used_columns,
)
from streams.sources.plays import BadRow, ParsedRow

Row = tuple[int, dict[str, Any] | str]
"""The number of a row, and its object, or what is wrong with it."""
_Rows = Iterable[Row]


def read_lines(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of JSON lines."""
    return _read(rows_of_lines(file), part)


def read_array(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Plays of a JSON array of objects."""
    return _read(rows_of_array(file, part.name), part)


def rows_of_lines(file: BinaryIO) -> Iterator[Row]:
    """The rows of JSON lines, or what is wrong with a line."""
    return _flat_rows(objects_of_lines(file))


def rows_of_array(file: BinaryIO, name: str) -> Iterator[Row]:
    """The rows of a JSON array, or what is wrong with an element."""
    return _flat_rows(objects_of_array(file, name))


WRAPPERS = ("_source", "value", "node", "record", "doc")
"""Keys under which databases and APIs write a row."""


def _flat_rows(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows, each without the object around it if that is no play itself."""
    first = list(islice(rows, ROWS_INSPECTED))
    keys = {key for _, row in first if isinstance(row, dict) for key in row}
    is_wrapped = not keys.isdisjoint(WRAPPERS) and not has_plays(roles_of(sorted(keys)))
    for number, row in chain(first, rows):
        yield number, _flat(_without_wrapper(row) if is_wrapped else row)


def _without_wrapper(row: dict[str, Any] | str) -> dict[str, Any] | str:
    """The row that is in an object, with what is beside it there.

    >>> _without_wrapper({"_id": "1", "_source": {"track": "Solea"}})
    {'_id': '1', 'track': 'Solea'}
    """
    if isinstance(row, str):
        return row
    inner = [key for key in WRAPPERS if isinstance(row.get(key), dict)]
    told = {key: value for key, value in row.items() if key not in inner}
    return told | {key: value for each in inner for key, value in row[each].items()}


def _unwrapped(value: Any) -> Any:
    """The value that MongoDB's tools write as an object: `{"$date": {"$numberLong": "1"}}`."""
    while isinstance(value, dict) and len(value) == 1 and next(iter(value))[:1] == "$":
        value = next(iter(value.values()))
    return value


_TRACKS = ("track", "song", "recording", "item")
_FIELDS_OF_TRACKS = {"title": "title", "name": "title", "artist": "artist", "artists": "artist",
                     "artist_name": "artist", "user": "artist", "album": "album",
                     "release": "album", "mbid": "recording_mbid",
                     "recording_mbid": "recording_mbid",
                     "duration_ms": "duration_ms", "duration": "duration"}  # fmt: skip


def _flat(row: dict[str, Any] | str) -> dict[str, Any] | str:
    """The row with the fields of its track beside its own, which come first.

    >>> _flat({"track": {"title": "Solea", "artist": {"name": "Miles"}}, "ts": 1})
    {'ts': 1, 'title': 'Solea', 'artist': {'name': 'Miles'}}
    """
    if isinstance(row, str):
        return row
    row = {key: _unwrapped(value) for key, value in row.items()}
    key = next((key for key in _TRACKS if isinstance(row.get(key), dict)), None)
    if key is None:
        return row
    told = {each: value for each, value in row.items() if each != key}
    for name, field in _FIELDS_OF_TRACKS.items():
        if row[key].get(name) is not None:
            told.setdefault(field, row[key][name])
    return told


def _read(rows: _Rows, part: Part) -> Iterator[ParsedRow]:
    rest = iter(rows)
    first = list(islice(rest, ROWS_INSPECTED))
    keys = list(dict.fromkeys(key for _, row in first if isinstance(row, dict) for key in row))
    if first and not keys:
        return (
            BadRow(part.name, row, why if isinstance(why, str) else "is an empty object")
            for row, why in chain(first, rest)
        )
    used = used_columns(keys)
    cells = _cells(chain(first, rest), used)
    return plays_of_table(cells, used, part, unused=[key for key in keys if key not in used])


def _cells(rows: _Rows, keys: list[str]) -> Iterator[NumberedCells]:
    for row, value in rows:
        yield row, value if isinstance(value, str) else [value.get(key) for key in keys]
