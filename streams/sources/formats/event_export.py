"""Reads what `echotune export` wrote: events with their ids, so that each is still the same event.

Special case: the rows are events already, in the order of the log. They are neither sorted nor
given ids anew. Only events that counted where they were exported are read.
"""

import io
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, cast

import pyarrow as pa
from pydantic import ValidationError

from streams.sources.files import Part
from streams.sources.formats.json_stream import objects_of_lines
from streams.sources.plays import BadRow, Ignored, ParsedRow, ToldEvent
from topics.errors import HistoryError
from topics.listening_event import EventKind
from topics.recommendation_list import EVERYONE

APPLIED = "applied"
_MARKS = frozenset({"event_id", "listener_id", "log_offset", "verdict"})
"""Columns that only an export has together."""
_FIELDS = (*ToldEvent.model_fields,)
_HEAD_BYTES = 65_536


def is_export(names: Iterable[str]) -> bool:
    """Whether columns of these names are those of an export."""
    return _MARKS.issubset(names)


def read_lines(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Events of JSON lines."""
    return (_parsed(row, fields, part) for row, fields in objects_of_lines(file))


def read_packed_lines(file: BinaryIO, part: Part) -> Iterator[ParsedRow]:
    """Events of JSON lines that are packed with Zstandard."""
    unpacked = pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd")
    try:
        yield from read_lines(cast(BinaryIO, io.BufferedReader(unpacked)), part)
    except OSError as error:
        raise HistoryError(
            f"{part.name} cannot be unpacked: it is damaged or cut off.", "Copy or export it again."
        ) from error


def read_cells(rows: Iterable[Any], names: list[str], part: Part) -> Iterator[ParsedRow]:
    """Events of a table's rows, whose cells are in the order of `names`."""
    for row, cells in enumerate(rows, 1):
        yield _parsed(row, dict(zip(names, cells, strict=True)), part)


def unpacked_head(head: bytes) -> bytes:
    """The beginning of what a Zstandard file that begins with `head` holds; empty if unknown."""
    stream = pa.CompressedInputStream(pa.BufferReader(head), "zstd")
    try:
        return bytes(stream.read(_HEAD_BYTES))
    except OSError:
        return b""


def _parsed(row: int, fields: dict[str, Any] | str, part: Part) -> ParsedRow:
    if isinstance(fields, str):
        return BadRow(part.name, row, fields)
    if fields.get("verdict") != APPLIED:
        return Ignored("did not count where it was exported", part.name)
    event: dict[str, Any] = {name: fields.get(name) for name in _FIELDS}
    if event["kind"] in (EventKind.ERASE, EventKind.UNKNOWN):
        return BadRow(part.name, row, f"kind: {event['kind']} is never exported")
    if event["listener_id"] == EVERYONE:
        return BadRow(part.name, row, f"listener_id: {EVERYONE} stands for all of them")
    try:
        return ToldEvent(**event)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return BadRow(part.name, row, f"{first['loc'][0]}: {first['msg']}")
