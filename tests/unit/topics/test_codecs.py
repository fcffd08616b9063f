"""Bytes to records and back: everything that is not a record of the topic is a `Rejected`."""

import copy
import string
from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import UUID

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topics.catalogue import CATALOGUE, LEARNING_LOG, LISTENING_EVENTS
from topics.codecs import Decoder, encode
from topics.errors import SchemaError
from topics.listening_event import EventFields
from topics.rejection import Rejected, RejectionReason
from topics.schemas import ReleasedSchema, current, raw_schema, released, released_schemas

AnEvent = Callable[..., EventFields]
CONTRACTS = sorted({each.name for each in released_schemas().values()})
REGISTRY_ID = 7


@pytest.fixture
def decoder() -> Decoder:
    return Decoder(LISTENING_EVENTS.contracts)


def reason_of(decoded: Any) -> RejectionReason | None:
    return decoded.reason if isinstance(decoded, Rejected) else None


PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(allow_nan=False),
    "string": st.text(),
    "bytes": st.binary(),
}


def records_of(schema: Any) -> st.SearchStrategy[Any]:
    """Arbitrary data of a raw Avro schema."""
    if isinstance(schema, str):
        return PRIMITIVES[schema]
    if isinstance(schema, list):
        return st.one_of([records_of(each) for each in schema])
    if schema["type"] == "enum":
        return st.sampled_from(schema["symbols"])
    if schema["type"] == "fixed":
        return st.binary(min_size=schema["size"], max_size=schema["size"])
    if schema["type"] == "array":
        return st.lists(records_of(schema["items"]), max_size=5)
    return st.fixed_dictionaries({f["name"]: records_of(f["type"]) for f in schema["fields"]})


@pytest.mark.parametrize("name", CONTRACTS)
@given(data=st.data())
def test_every_record_of_every_contract_reads_back_as_it_was_written(
    name: str, data: st.DataObject
) -> None:
    record = data.draw(records_of(raw_schema(name)))
    assert Decoder([name]).decode(encode(name, record)) == (name, record)


def test_a_value_begins_with_a_zero_byte_and_the_fixed_schema_id(an_event: AnEvent) -> None:
    assert encode("ListeningEvent", an_event())[:5].hex() == "00" + f"{1_000_000_016:08x}"


def test_every_contract_is_readable_on_the_topic_it_belongs_to() -> None:
    assert sorted(name for topic in CATALOGUE for name in topic.contracts) == CONTRACTS


def test_a_null_value_is_rejected(decoder: Decoder) -> None:
    assert reason_of(decoder.decode(None)) is RejectionReason.NULL_VALUE


@pytest.mark.parametrize("value", [b"", b"\x00", b"\x00\x3b\x9a\xca", b"{}", b'{"kind": "LISTEN"}'])
def test_bytes_that_are_not_in_the_wire_format_are_rejected(value: bytes, decoder: Decoder) -> None:
    assert reason_of(decoder.decode(value)) is RejectionReason.BAD_MAGIC


def test_a_wrong_magic_byte_is_rejected(decoder: Decoder, an_event: AnEvent) -> None:
    value = b"\x02" + encode("ListeningEvent", an_event())[1:]
    assert reason_of(decoder.decode(value)) is RejectionReason.BAD_MAGIC


def test_an_event_cut_at_any_length_is_rejected(decoder: Decoder, an_event: AnEvent) -> None:
    value = encode("ListeningEvent", an_event(artist_name="Björk", track_name="Jóga"))
    for length in range(len(value)):
        expected = RejectionReason.BAD_MAGIC if length < 5 else RejectionReason.MALFORMED
        assert reason_of(decoder.decode(value[:length])) is expected


def test_bytes_left_over_after_the_record_are_rejected(decoder: Decoder, an_event: AnEvent) -> None:
    value = encode("ListeningEvent", an_event())
    assert reason_of(decoder.decode(value + b"\x00")) is RejectionReason.MALFORMED


GUID = UUID("c9c54b26-0a87-4a8a-9ff1-2a7dd0b0b0a1")
BY_ID = b"\x00" + current("ListeningEvent").schema_id.to_bytes(4, "big")
BY_GUID = b"\x01" + GUID.bytes


@pytest.mark.parametrize(
    ("prefix", "headers"),
    [
        (BY_GUID, []),
        (b"", [("__value_schema_id", BY_GUID)]),
        (b"", [("__key_schema_id", b"\x01"), ("__value_schema_id", BY_ID)]),
        (BY_ID, [("traceparent", b"00-1"), ("__value_schema_id", None)]),
    ],
)
def test_a_schema_is_named_in_front_of_the_record_or_in_a_header_by_id_or_by_guid(
    prefix: bytes, headers: list[tuple[str, bytes | None]], an_event: AnEvent
) -> None:
    schemas = {str(GUID): current("ListeningEvent"), int.from_bytes(BY_ID[1:], "big"): None}
    decoder = Decoder(
        LISTENING_EVENTS.contracts, lambda at: schemas[at] or current("ListeningEvent")
    )
    body = encode("ListeningEvent", an_event())[5:]
    assert decoder.decode(prefix + body, headers) == ("ListeningEvent", an_event())


@pytest.mark.parametrize("named", [b"", b"\x00", BY_GUID[:-1], BY_GUID + b"\x00", b"\x02" * 17])
def test_a_header_that_names_no_schema_is_rejected(
    named: bytes, decoder: Decoder, an_event: AnEvent
) -> None:
    value = encode("ListeningEvent", an_event())
    found = decoder.decode(value, [("__value_schema_id", named)])
    assert reason_of(found) is RejectionReason.BAD_MAGIC


@pytest.mark.parametrize("schema_id", [0, 1, 999_999_999, 1_000_000_999, 2**32 - 1])
def test_an_unknown_schema_id_is_rejected_by_its_number(schema_id: int, decoder: Decoder) -> None:
    rejected = decoder.decode(b"\x00" + schema_id.to_bytes(4, "big") + b"\x02a")
    assert isinstance(rejected, Rejected)
    assert rejected.reason is RejectionReason.UNKNOWN_SCHEMA
    assert str(schema_id) in rejected.detail


@pytest.mark.parametrize("name", LEARNING_LOG.contracts)
def test_a_contract_of_another_topic_is_rejected_by_its_name(name: str, decoder: Decoder) -> None:
    value = b"\x00" + current(name).schema_id.to_bytes(4, "big")
    for _ in "first and remembered":
        rejected = decoder.decode(value)
        assert isinstance(rejected, Rejected)
        assert rejected.detail == f"{name} does not belong on this topic"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\x01", id="a text of length -1"),
        pytest.param(b"\xff" * 9 + b"\x01", id="a text of length -2^63"),
        pytest.param(b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f", id="a text longer than memory"),
        pytest.param(b"\xff" * 40, id="a number without end"),
        pytest.param(b"\x02\xff", id="text that is not UTF-8"),
        pytest.param(b"\x06\xed\xa0\x80", id="a lone surrogate"),
        pytest.param(b"\x02e\x02l\x10", id="a kind beyond the last"),
        pytest.param(b"\x02e\x02l\x02\x02s\x04", id="a third branch of a union of two"),
    ],
)
def test_a_damaged_body_is_rejected(body: bytes, decoder: Decoder) -> None:
    value = _header("ListeningEvent") + body
    assert reason_of(decoder.decode(value + b"\x00" * 12)) is RejectionReason.MALFORMED


def _header(name: str) -> bytes:
    return b"\x00" + current(name).schema_id.to_bytes(4, "big")


@pytest.mark.parametrize("position", range(-9, 0))
def test_a_kind_before_the_first_is_never_taken_for_an_erasure(
    position: int, decoder: Decoder
) -> None:
    zigzag = -2 * position - 1
    value = _header("ListeningEvent") + b"\x02e\x02l" + bytes([zigzag]) + b"\x02s" + b"\x00" * 12
    assert reason_of(decoder.decode(value)) is RejectionReason.MALFORMED


@given(body=st.binary(max_size=200))
def test_random_bytes_never_raise(body: bytes) -> None:
    for contract in CONTRACTS:
        decoded = Decoder([contract]).decode(_header(contract) + body)
        assert isinstance(decoded, Rejected) or decoded[0] == contract


@given(value=st.binary(max_size=200))
def test_random_values_never_raise(value: bytes) -> None:
    assert isinstance(Decoder(LISTENING_EVENTS.contracts).decode(value), Rejected)


@given(at=st.integers(5, 200), to=st.integers(0, 255))
def test_one_changed_byte_never_raises(at: int, to: int, an_event: AnEvent) -> None:
    value = bytearray(encode("ListeningEvent", an_event(artist_name=string.ascii_letters * 4)))
    value[at] = to
    decoded = Decoder(LISTENING_EVENTS.contracts).decode(bytes(value))
    assert isinstance(decoded, Rejected) or decoded[0] == "ListeningEvent"


def a_version(schema: Any) -> ReleasedSchema:
    """Another version of `ListeningEvent`, as a registry would know it."""
    parsed = dict(fastavro.parse_schema(schema, named_schemas={}))
    return ReleasedSchema(REGISTRY_ID, "ListeningEvent", 99, parsed)


def written_by(version: ReleasedSchema, record: dict[str, Any]) -> bytes:
    out = BytesIO()
    fastavro.schemaless_writer(out, version.schema, record)
    return b"\x00" + REGISTRY_ID.to_bytes(4, "big") + out.getvalue()


def read_back(version: ReleasedSchema, record: dict[str, Any]) -> dict[str, Any]:
    decoded = Decoder(["ListeningEvent"], lambda _: version).decode(written_by(version, record))
    assert not isinstance(decoded, Rejected)
    return decoded[1]


def test_an_event_of_an_older_writer_is_read_with_the_defaults_of_newer_fields(
    an_event: AnEvent,
) -> None:
    schema = copy.deepcopy(raw_schema("ListeningEvent"))
    schema["fields"] = [each for each in schema["fields"] if each["name"] != "context"]
    assert read_back(a_version(schema), an_event(reason_end="trackdone")) == an_event(
        reason_end="trackdone", context=None
    )


def test_an_event_of_a_newer_writer_is_read_without_the_fields_it_added(an_event: AnEvent) -> None:
    schema = copy.deepcopy(raw_schema("ListeningEvent"))
    schema["fields"].insert(0, {"name": "mood", "type": ["null", "string"], "default": None})
    assert read_back(a_version(schema), an_event(mood="blue")) == an_event()


def test_a_kind_that_only_a_newer_writer_knows_is_unknown_and_never_guessed(
    an_event: AnEvent,
) -> None:
    schema = copy.deepcopy(raw_schema("ListeningEvent"))
    schema["fields"][2]["type"]["symbols"].append("SKIPPED")
    assert read_back(a_version(schema), an_event(kind="SKIPPED"))["kind"] == "UNKNOWN"


@pytest.mark.parametrize(
    ("reader", "kind"),
    [(1_000_000_000, "KEEP"), (1_000_000_013, "DISMISS"), (1_000_000_013, "SKIP")],
)
def test_a_reader_of_an_older_version_takes_a_newer_kind_for_unknown(
    an_event: AnEvent, reader: int, kind: str
) -> None:
    value = encode("ListeningEvent", an_event(kind=kind))
    older = released(reader).schema
    read = fastavro.schemaless_reader(BytesIO(value[5:]), current("ListeningEvent").schema, older)
    assert read == an_event(kind="UNKNOWN")


def test_what_a_producer_of_the_first_version_writes_is_read(
    an_event: AnEvent, decoder: Decoder
) -> None:
    out = BytesIO(b"\x00" + (1_000_000_000).to_bytes(4, "big"))
    out.seek(5)
    fastavro.schemaless_writer(out, released(1_000_000_000).schema, an_event(kind="ERASE"))
    assert decoder.decode(out.getvalue()) == ("ListeningEvent", an_event(kind="ERASE"))


def test_a_registry_that_is_away_is_not_poison() -> None:
    def away(_: int) -> ReleasedSchema:
        raise ConnectionRefusedError("registry")

    with pytest.raises(ConnectionRefusedError):
        Decoder(["ListeningEvent"], away).decode(b"\x00\x00\x00\x00\x07")


def test_a_schema_is_looked_up_once(an_event: AnEvent) -> None:
    version, asked = a_version(raw_schema("ListeningEvent")), []

    def lookup(schema_id: int) -> ReleasedSchema:
        asked.append(schema_id)
        return version

    decoder = Decoder(["ListeningEvent"], lookup)
    for _ in range(3):
        assert not isinstance(decoder.decode(written_by(version, an_event())), Rejected)
    assert asked == [REGISTRY_ID]


def test_an_id_that_the_registry_learns_later_is_then_read(an_event: AnEvent) -> None:
    version = a_version(raw_schema("ListeningEvent"))
    known: dict[int, ReleasedSchema] = {}

    def lookup(schema_id: int) -> ReleasedSchema:
        if schema_id not in known:
            raise SchemaError(f"Schema id {schema_id} is not registered.")
        return known[schema_id]

    decoder = Decoder(["ListeningEvent"], lookup)
    value = written_by(version, an_event())
    assert reason_of(decoder.decode(value)) is RejectionReason.UNKNOWN_SCHEMA
    known[REGISTRY_ID] = version
    assert decoder.decode(value) == ("ListeningEvent", an_event())


def test_a_contract_that_does_not_exist_is_an_error_with_a_remedy() -> None:
    with pytest.raises(SchemaError, match=r"'Nothing'.*avro/ids\.json"):
        encode("Nothing", {})
