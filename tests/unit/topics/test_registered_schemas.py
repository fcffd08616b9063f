"""Schemas of a registry: known by their full name, and refused where they mean something else."""

import json

import pytest

from tests.support.hostile_schemas import NODE, an_event_after, nested
from tests.support.registered import a_contract, another_record, in_microseconds, written
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder
from topics.errors import SchemaError
from topics.registered_schemas import writer_schema
from topics.rejection import Rejected, RejectionReason
from topics.schemas import ReleasedSchema


def with_a_logical_time(raw: dict[str, list[dict[str, object]]]) -> None:
    for field in raw["fields"]:
        if field["name"] == "listened_at":
            field["type"] = ["null", {"type": "long", "logicalType": "timestamp-millis"}]
        if field["name"] == "event_id":
            field["type"] = {"type": "string", "logicalType": "uuid"}


def read(text: str, written_with: str | None = None) -> Rejected | tuple[str, dict[str, object]]:
    def lookup(schema_id: int) -> ReleasedSchema:
        return writer_schema(schema_id, text)

    return Decoder(LISTENING_EVENTS.contracts, lookup).decode(written(7, written_with or text))


def test_the_contract_is_known_by_its_full_name() -> None:
    assert writer_schema(7, a_contract()).name == "ListeningEvent"
    other = json.loads(a_contract()) | {"namespace": "com.example"}
    assert writer_schema(7, json.dumps(other)).name == "com.example.ListeningEvent"


def test_a_record_that_does_not_belong_on_the_topic_is_rejected_by_name() -> None:
    found = read(a_contract(another_record))
    assert isinstance(found, Rejected)
    assert found.reason is RejectionReason.UNKNOWN_SCHEMA
    assert "echotune.Purchase" in found.detail


def test_milliseconds_and_uuids_are_read_as_the_plain_values_they_are() -> None:
    assert read(a_contract(with_a_logical_time), a_contract()) == read(a_contract())


def test_a_field_in_another_unit_is_refused_by_name() -> None:
    with pytest.raises(SchemaError, match="ms_played in time-micros"):
        writer_schema(7, a_contract(in_microseconds))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rubbish",
        "null",
        "7",
        "[]",
        '"string"',
        '{"type": "string"}',
        '{"type": "enum", "name": "E", "symbols": ["A"]}',
        '{"type": {"type": "record", "name": "R", "fields": []}}',
        '{"type": "record", "name": "R", "fields": [{"name": "a", "type": "nothing"}]}',
        '{"type": "record", "name": "R", "fields": 7}',
        "[" * 100_000,
        '{"type": "array", "items": ' * 10_000,
    ],
)
def test_what_is_no_record_is_a_schema_error_and_nothing_else(text: str) -> None:
    with pytest.raises(SchemaError, match="7"):
        writer_schema(7, text)


def test_a_contract_without_fields_is_read_as_nothing() -> None:
    found = read('{"type": "record", "name": "echotune.ListeningEvent"}')
    assert isinstance(found, Rejected)
    assert found.reason is RejectionReason.MALFORMED


def with_a_mood_of_another_schema(raw: dict[str, list[dict[str, object]]]) -> None:
    raw["fields"].insert(0, {"name": "mood", "type": ["null", "moods.Mood"], "default": None})


def test_a_schema_may_refer_to_others() -> None:
    mood = '{"type": "enum", "name": "moods.Mood", "symbols": ["SAD", "GLAD"]}'
    holder = {
        "type": "record",
        "name": "moods.Holder",
        "fields": [{"name": "m", "type": "moods.Mood"}],
    }
    text = a_contract(with_a_mood_of_another_schema)
    with pytest.raises(SchemaError, match=r"moods\.Mood"):
        writer_schema(7, text)
    found = writer_schema("a GUID", text, [mood, json.dumps(holder)])
    assert (found.name, found.needs_walk) == ("ListeningEvent", False)
    decoder = Decoder(LISTENING_EVENTS.contracts, lambda _: found)
    read_with_mood = decoder.decode(an_event_after(b"\x02\x02"))
    assert read_with_mood == decoder.decode(an_event_after(b"\x00"))
    assert isinstance(decoder.decode(an_event_after(b"\x04")), Rejected)


def test_what_a_schema_refers_to_is_bounded_with_it() -> None:
    text = a_contract(with_a_mood_of_another_schema)
    mood = {**NODE, "name": "moods.Mood", "fields": [{"name": "n", "type": ["null", "moods.Mood"]}]}
    found = writer_schema(7, text, [json.dumps(mood)])
    assert found.needs_walk
    decoder = Decoder(LISTENING_EVENTS.contracts, lambda _: found)
    assert isinstance(decoder.decode(an_event_after(b"\x02" + nested(40_000))), Rejected)
