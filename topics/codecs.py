"""Avro in the Confluent wire format: a zero byte, the schema id (4 bytes, big-endian), a record."""

import struct
from collections.abc import Callable, Collection
from io import BytesIO
from typing import Any, cast

import fastavro

from topics.avro_bounds import Walk
from topics.errors import SchemaError
from topics.rejection import Rejected, RejectionReason
from topics.schemas import ReleasedSchema, Schema, current, released

_HEADER = struct.Struct(">bI")
HEADER_BYTES = _HEADER.size
"""Length of the header: a zero byte and the schema's id in four bytes."""
MAGIC = 0
SCHEMAS_KNOWN_MAX = 4_096
"""Maximum number of cached schemas; the cache is emptied when it is full."""

Record = dict[str, Any]
SchemaLookup = Callable[[int], ReleasedSchema]
"""Schema id → writer schema; raises `SchemaError` for an id it does not know."""


def schema_id_of(value: bytes | None) -> int | None:
    """The schema id in a value; None if the value is not in the wire format."""
    if value is None or len(value) < _HEADER.size or value[0] != MAGIC:
        return None
    return int.from_bytes(value[1:5], "big")


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
        self._known: dict[int, _Known | Rejected] = {}

    def decode(self, value: bytes | None) -> tuple[str, Record] | Rejected:
        """Contract name and record of one Kafka value."""
        if value is None:
            return Rejected(RejectionReason.NULL_VALUE, "the value is null")
        if len(value) < _HEADER.size or value[0] != MAGIC:
            return Rejected(RejectionReason.BAD_MAGIC, "not in the Confluent wire format")
        schema_id = int.from_bytes(value[1:5], "big")
        found = self._known.get(schema_id) or self._resolve(schema_id)
        if isinstance(found, Rejected):
            return found
        return _read(value, *found)

    def _resolve(self, schema_id: int) -> "_Known | Rejected":
        try:
            written = self._lookup(schema_id)
        except SchemaError as error:
            return Rejected(RejectionReason.UNKNOWN_SCHEMA, error.message)
        found = self._allow(written)
        if len(self._known) >= SCHEMAS_KNOWN_MAX:
            self._known.clear()
        self._known[schema_id] = found
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
    value: bytes, name: str, writer: Schema, reader: Schema | None, walk: Walk | None
) -> tuple[str, Record] | Rejected:
    stream = BytesIO(value)
    stream.seek(_HEADER.size)
    try:
        if walk is not None:
            walk.check(value, _HEADER.size)
        record = fastavro.schemaless_reader(stream, writer, reader)
    except Exception as error:  # fastavro has no error base class; any error means a poison message
        return Rejected(RejectionReason.MALFORMED, f"{type(error).__name__}: {error}"[:500])
    if stream.tell() != len(value):
        return Rejected(RejectionReason.MALFORMED, "bytes are left over after the record")
    return name, cast(Record, record)
