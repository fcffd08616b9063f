"""Any schema and any bytes: a record is read as it was written, or rejected; the walk agrees."""

import json
from io import BytesIO
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException
from hypothesis import given
from hypothesis import strategies as st

from streams.sequencing.validation import accept
from tests.support.hostile_schemas import an_event_after, with_extra
from tests.support.records import ARecord
from topics.avro_bounds import BoundsError, Walk
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder
from topics.errors import EchoTuneError, SchemaError
from topics.learning_log import decode_log_record
from topics.registered_schemas import writer_schema
from topics.schemas import raw_schema, released_schemas

PLAIN = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")


@st.composite
def schemas(draw: st.DrawFn, depth: int = 3) -> Any:
    """Types that nest, repeat themselves, refer to themselves, and hold values without a byte."""
    kinds = [*PLAIN, "Self"] if depth < 3 else [*PLAIN]
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(kinds))
    inner = schemas(depth - 1)
    name = f"N{draw(st.integers(0, 10**9))}"
    fields = draw(st.lists(inner, max_size=3))
    shapes = [
        {"type": "array", "items": draw(inner)},
        {"type": "map", "values": draw(inner)},
        ["null", draw(st.sampled_from(PLAIN[1:]))],
        {"type": "enum", "name": name, "symbols": ["A", "B", "C"]},
        {"type": "fixed", "name": name, "size": draw(st.integers(0, 3))},
        {"type": "record", "name": name, "fields": named(fields)},
    ]
    return draw(st.sampled_from(shapes))


def named(kinds: list[Any]) -> list[dict[str, Any]]:
    """Fields of these types."""
    return [{"name": f"f{at}", "type": kind} for at, kind in enumerate(kinds)]


def self_referring(kind: Any) -> Any:
    """A record `Self` with a field of this type, in which `Self` may occur again."""
    fields = [{"name": "kind", "type": kind}, {"name": "again", "type": ["null", "Self"]}]
    return {"type": "record", "name": "Self", "fields": fields}


SCHEMAS = schemas().map(self_referring)
BYTES = st.one_of(
    st.binary(max_size=64),
    st.lists(st.sampled_from([0, 1, 2, 3, 4, 0x7F, 0x80, 0xFF]), max_size=64).map(bytes),
)


@given(SCHEMAS, BYTES)
def test_what_the_walk_lets_through_fastavro_reads_to_the_same_byte(
    kind: Any, value: bytes
) -> None:
    try:
        schema = fastavro.parse_schema(kind, named_schemas={})
    except SchemaParseException:  # a name twice
        return
    try:
        Walk(schema).check(value, 0)
    except BoundsError:
        return
    stream = BytesIO(value)
    try:
        fastavro.schemaless_reader(stream, schema)
    except UnicodeDecodeError:  # the walk does not decode texts
        return
    assert stream.tell() == len(value)


@given(SCHEMAS, BYTES, st.integers(0, 5))
def test_whatever_a_schema_and_a_record_are_the_result_is_an_event_or_a_rejection(
    kind: Any, extra: bytes, cut: int
) -> None:
    text = with_extra(kind)
    decoder = Decoder(LISTENING_EVENTS.contracts, lambda at: writer_schema(at, text))
    value = an_event_after(extra)
    decoder.decode(value[: len(value) - cut])


FIELDS = [field["name"] for field in raw_schema("ListeningEvent")["fields"]]


@given(st.sampled_from(FIELDS), SCHEMAS | st.sampled_from(PLAIN), BYTES)
def test_whatever_type_a_field_of_ours_has_the_result_is_an_event_or_a_rejection(
    field: str, kind: Any, value: bytes
) -> None:
    raw = raw_schema("ListeningEvent")
    [changed] = [each for each in raw["fields"] if each["name"] == field]
    changed["type"] = kind
    try:
        found = writer_schema(7, json.dumps(raw))
    except SchemaError:
        return
    decoder = Decoder(LISTENING_EVENTS.contracts, lambda _: found)
    body = an_event_after(b"")
    records = [
        ARecord(0, body[:5] + value),
        ARecord(1, body),
        ARecord(2, body[:20] + value + body[20:]),
    ]
    accepted = accept(records, decoder)
    assert len(accepted.rows) + len(accepted.rejected) == len(records)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([*PLAIN, "record", "array", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "name", "fields", "items", "values", "symbols", "size", "logicalType"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_whatever_the_text_of_a_schema_is_it_is_a_schema_or_refused(raw: Any) -> None:
    for text in (json.dumps(raw), with_extra(raw)):
        try:
            writer_schema(7, text)
        except SchemaError:
            continue


@given(st.sampled_from(sorted(released_schemas())), st.binary(max_size=200))
def test_whatever_is_in_the_log_is_a_record_or_an_error_that_names_its_offset(
    schema_id: int, body: bytes
) -> None:
    for value in (b"\x00" + schema_id.to_bytes(4, "big") + body, body):
        said = said_of(value)
        assert said is None or "record 17" in said


def said_of(value: bytes) -> str | None:
    """The error with which a log record at offset 17 is refused; None if it can be read."""
    try:
        decode_log_record(value, 17)
    except EchoTuneError as error:
        return error.message
    return None
