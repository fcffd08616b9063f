"""Avro in the Confluent wire format; old versions are read as the newest one (upcasting).

A value is a zero byte, the schema id (4 bytes, big-endian), and a record.

Newer producers name the schema by its GUID: a byte 1 and 16 bytes. They may also put the id or the
GUID in the header `__value_schema_id`; the value is then the record alone.
"""

import struct
from collections.abc import Callable, Collection
from io import BytesIO
from typing import Any, NamedTuple, cast
from uuid import UUID

import fastavro

from topics.avro_bounds import Walk
from topics.errors import SchemaError
from topics.rejection import Rejected, RejectionReason
from topics.schemas import ReleasedSchema, Schema, current, released

_HEADER = struct.Struct(">bI")
HEADER_BYTES = _HEADER.size
"""Length of the header: a zero byte and the schema's id in four bytes."""
MAGIC, GUID_MAGIC = 0, 1
GUID_HEADER_BYTES = 17
SCHEMA_HEADER = "__value_schema_id"
"""The header of a record in which newer producers name the schema of its value."""
SCHEMAS_KNOWN_MAX = 4_096
"""Maximum number of cached schemas; the cache is emptied when it is full."""

Record = dict[str, Any]
SchemaRef = int | str
"""What names a schema: its id, or its GUID as text."""
SchemaLookup = Callable[[SchemaRef], ReleasedSchema]
"""What names a schema → writer schema; raises `SchemaError` for one that it does not know."""
Headers = Collection[tuple[str, bytes | None]]


class UnreadValue(bytes):
    """Stands for a value that was not read, because it would expand beyond a bound."""


class Framing(NamedTuple):
    """What names the schema of a value, and where in the value the record begins."""

    schema: SchemaRef
    start: int


def framing_of(value: bytes, headers: Headers = ()) -> Framing | None:
    """The framing of a value with its record's headers; None if it is not in the wire format.

    >>> framing_of(bytes([0, 0, 0, 0, 7]) + b"a record")
    Framing(schema=7, start=5)
    >>> framing_of(b"a record", [("__value_schema_id", bytes([0, 0, 0, 0, 7]))])
    Framing(schema=7, start=0)
    """
    for name, named in headers:
        if name == SCHEMA_HEADER and named is not None:
            framing = _prefix_of(named)
            is_whole = framing is not None and framing.start == len(named)
            return Framing(framing.schema, 0) if framing is not None and is_whole else None
    return _prefix_of(value)


def _prefix_of(value: bytes) -> Framing | None:
    if len(value) >= HEADER_BYTES and value[0] == MAGIC:
        return Framing(int.from_bytes(value[1:HEADER_BYTES], "big"), HEADER_BYTES)
    if len(value) >= GUID_HEADER_BYTES and value[0] == GUID_MAGIC:
        return Framing(str(UUID(bytes=value[1:GUID_HEADER_BYTES])), GUID_HEADER_BYTES)
    return None


def schema_ref_of(value: bytes | None, headers: Headers = ()) -> SchemaRef | None:
    """What names the schema of a value; None if the value is not in the wire format."""
    framing = None if value is None else framing_of(value, headers)
    return None if framing is None else framing.schema


def encode(name: str, record: Record, schema_id: int | None = None) -> bytes:
    """Encodes `record` with the newest released version of contract `name`.

    `schema_id` is a registry's id of this version; None means the fixed id.
    """
    target = current(name)
    out = BytesIO(_HEADER.pack(MAGIC, target.schema_id if schema_id is None else schema_id))
    out.seek(0, 2)
    fastavro.schemaless_writer(out, target.schema, record)
    return out.getvalue()


class Decoder:
    """Reads records of the allowed contracts of a topic; bad bytes become `Rejected`, never raise.

    `lookup` resolves schema ids, for example with a schema registry. A `SchemaError` from it means
    that there is no such schema. Any other exception passes through, because a message is not a
    poison message if the registry is unavailable.
    """

    def __init__(self, allowed: Collection[str], lookup: SchemaLookup = released) -> None:
        self._allowed = frozenset(allowed)
        self._lookup = lookup
        self._known: dict[SchemaRef, _Known | Rejected] = {}

    def decode(self, value: bytes | None, headers: Headers = ()) -> tuple[str, Record] | Rejected:
        """Contract name and record of one Kafka value, whose record has these headers."""
        if value is None:
            return Rejected(RejectionReason.NULL_VALUE, "the value is null")
        schema: SchemaRef
        if not headers and len(value) >= HEADER_BYTES and value[0] == MAGIC:  # nearly all records
            schema, start = int.from_bytes(value[1:5], "big"), HEADER_BYTES
        elif framing := framing_of(value, headers):
            schema, start = framing
        elif isinstance(value, UnreadValue):
            return Rejected(RejectionReason.TOO_LARGE, "its batch expands beyond a bound")
        else:
            return Rejected(RejectionReason.BAD_MAGIC, "not in the Confluent wire format")
        found = self._known.get(schema) or self._resolve(schema)
        if isinstance(found, Rejected):
            return found
        return _read(value, start, *found)

    def _resolve(self, schema: SchemaRef) -> "_Known | Rejected":
        try:
            written = self._lookup(schema)
        except SchemaError as error:
            return Rejected(RejectionReason.UNKNOWN_SCHEMA, error.message)
        found = self._allow(written)
        if len(self._known) >= SCHEMAS_KNOWN_MAX:
            self._known.clear()
        self._known[schema] = found
        return found

    def _allow(self, written: ReleasedSchema) -> "_Known | Rejected":
        if written.name not in self._allowed:
            return Rejected(
                RejectionReason.UNKNOWN_SCHEMA, f"{written.name} does not belong on this topic"
            )
        newest = current(written.name)
        reader = None if written.schema == newest.schema else newest.schema
        walk = Walk(written.schema) if written.needs_walk else None
        return written.name, _with_checked_enums(written.schema), reader, walk


_Known = tuple[str, Schema, Schema | None, Walk | None]
"""Contract, writer schema, reader schema if it is another one, and the walk that comes first."""


def _with_checked_enums(schema: Any) -> Any:
    """`schema` with symbols as a dict by position, so that a negative position is an error.

    In a list, fastavro would count it from the end, and read a damaged LISTEN as an ERASE.
    """
    if isinstance(schema, list):
        return [_with_checked_enums(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    is_enum = schema.get("type") == "enum"
    return {
        key: dict(enumerate(value)) if is_enum and key == "symbols" else _with_checked_enums(value)
        for key, value in schema.items()
    }


def _read(
    value: bytes, start: int, name: str, writer: Schema, reader: Schema | None, walk: Walk | None
) -> tuple[str, Record] | Rejected:
    stream = BytesIO(value)
    stream.seek(start)
    try:
        if walk is not None:
            walk.check(value, start)
        record = fastavro.schemaless_reader(stream, writer, reader)
    except Exception as error:  # fastavro has no error base class; any error means a poison message
        return Rejected(RejectionReason.MALFORMED, f"{type(error).__name__}: {error}"[:500])
    if stream.tell() != len(value):
        return Rejected(RejectionReason.MALFORMED, "bytes are left over after the record")
    return name, cast(Record, record)
