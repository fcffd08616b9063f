"""F13: schema evolution: every writer's version with every reader's; never a wrong value."""

import copy
from collections.abc import Callable
from io import BytesIO
from itertools import product
from typing import Any

import fastavro
import pytest

from tests.support.learning_log import an_event
from topics import codecs
from topics.codecs import Decoder
from topics.compatibility import incompatibilities
from topics.rejection import Rejected
from topics.schemas import ReleasedSchema, raw_schema

WRITER_ID = 17
EVENT = an_event(kind="LOVE", ms_played=5_000, context="party")


def field(schema: Any, name: str) -> Any:
    return next(each for each in schema["fields"] if each["name"] == name)


def same(schema: Any) -> None:
    """The schema of this reader, unchanged."""


def one_more(schema: Any) -> None:
    schema["fields"].append({"name": "mood", "type": ["null", "string"], "default": None})


def one_more_within(schema: Any) -> None:
    schema["fields"].insert(3, {"name": "mood", "type": "long", "default": 0})


def one_less(schema: Any) -> None:
    schema["fields"].remove(field(schema, "context"))


def another_order(schema: Any) -> None:
    schema["fields"].reverse()


def a_new_kind(schema: Any) -> None:
    field(schema, "kind")["type"]["symbols"].append("SHARE")


def another_union(schema: Any) -> None:
    field(schema, "context")["type"] = ["null", "string", "long"]


def a_long(schema: Any) -> None:
    field(schema, "ms_played")["type"] = ["null", "long"]


def another_order_of_kinds(schema: Any) -> None:
    field(schema, "kind")["type"]["symbols"].reverse()


def fewer_kinds(schema: Any) -> None:
    field(schema, "kind")["type"] |= {"symbols": ["LOVE", "LISTEN"], "default": "LISTEN"}


def no_default_kind(schema: Any) -> None:
    del field(schema, "kind")["type"]["default"]


def another_default(schema: Any) -> None:
    field(schema, "context").update(type=["string", "null"], default="at home")


def a_text_always_there(schema: Any) -> None:
    field(schema, "context").update(type="string")
    del field(schema, "context")["default"]


def a_smaller_number(schema: Any) -> None:
    field(schema, "ms_played")["type"] = ["null", "int"]


def another_name(schema: Any) -> None:
    field(schema, "context").update(name="origin", aliases=["context"])


def a_needed_field_gone(schema: Any) -> None:
    schema["fields"].remove(field(schema, "listener_id"))


def a_fraction(schema: Any) -> None:
    field(schema, "ms_played")["type"] = ["null", "double"]


def kinds_as_text(schema: Any) -> None:
    field(schema, "kind")["type"] = "string"


def a_list_for_a_text(schema: Any) -> None:
    field(schema, "context").update(type={"type": "array", "items": "string"}, default=[])


def a_text_for_a_number(schema: Any) -> None:
    field(schema, "listened_at")["type"] = ["null", "string"]


def read(change: Callable[[Any], None], **event: Any) -> Any:
    """Decodes `EVENT` with this reader after a writer with a changed schema wrote it."""
    raw = copy.deepcopy(raw_schema("ListeningEvent"))
    change(raw)
    written = dict(fastavro.parse_schema(raw, named_schemas={}))
    out = BytesIO(b"\x00" + WRITER_ID.to_bytes(4, "big"))
    out.seek(5)
    fastavro.schemaless_writer(out, written, {**EVENT, "mood": 7, "origin": "party", **event})
    known = ReleasedSchema(WRITER_ID, "ListeningEvent", 99, written)
    decoded = Decoder({"ListeningEvent"}, lambda _: known).decode(out.getvalue())
    return decoded if isinstance(decoded, Rejected) else decoded[1]


READ = {
    same: EVENT,
    one_more: EVENT,
    one_more_within: EVENT,
    one_less: {**EVENT, "context": None},
    another_order: EVENT,
    a_new_kind: EVENT,
    another_union: EVENT,
    another_order_of_kinds: EVENT,
    fewer_kinds: EVENT,
    no_default_kind: EVENT,
    another_default: EVENT,
    a_text_always_there: EVENT,
    a_smaller_number: EVENT,
    another_name: {**EVENT, "context": None},
}
REFUSED: dict[Callable[[Any], None], dict[str, Any]] = {
    a_needed_field_gone: {},
    a_text_for_a_number: {"listened_at": "noon"},
    a_fraction: {"ms_played": 5_000.5},
    kinds_as_text: {"kind": "LOVE"},
    a_list_for_a_text: {"context": ["party"]},
}


@pytest.mark.parametrize("change", READ, ids=lambda each: each.__name__)
def test_a_compatible_writer_is_read_with_its_values_and_defaults(
    change: Callable[[Any], None],
) -> None:
    more = {"mood": "blue"} if change is one_more else {}
    assert read(change, **more) == READ[change]


@pytest.mark.parametrize("change", REFUSED, ids=lambda each: each.__name__)
def test_an_incompatible_writer_is_refused(change: Callable[[Any], None]) -> None:
    assert isinstance(read(change, **REFUSED[change]), Rejected)


def test_a_kind_of_tomorrow_is_unknown_and_nothing_else() -> None:
    assert read(a_new_kind, kind="SHARE") == {**EVENT, "kind": "UNKNOWN"}


def test_a_value_of_a_wider_union_is_refused_and_never_guessed() -> None:
    assert isinstance(read(another_union, context=5), Rejected)


def test_a_number_beyond_this_readers_is_refused_and_never_cut() -> None:
    found = read(a_long, ms_played=2**40)
    assert isinstance(found, Rejected) or found["ms_played"] == 2**40


# -- every version with every other --------------------------------------------------------------


def a_history() -> list[Any]:
    """Versions of a contract: new fields with defaults, then symbols, then both again."""
    versions = [raw_schema("ListeningEvent")]
    for change in (one_more, a_new_kind, one_more_text, a_newer_kind):
        versions.append(copy.deepcopy(versions[-1]))
        change(versions[-1])
    return versions


def one_more_text(schema: Any) -> None:
    schema["fields"].insert(5, {"name": "place", "type": "string", "default": "nowhere"})


def a_newer_kind(schema: Any) -> None:
    field(schema, "kind")["type"]["symbols"].append("QUEUE")


TOLD = {**EVENT, "mood": "blue", "place": "kitchen"}
DEFAULTS = {"mood": None, "place": "nowhere"}
VERSIONS = [dict(fastavro.parse_schema(each, named_schemas={})) for each in a_history()]
PAIRS = [*product(range(len(VERSIONS)), repeat=2)]


def read_by(
    monkeypatch: pytest.MonkeyPatch, writer: int, reader: int, record: dict[str, Any]
) -> Any:
    """Decodes a record of version `writer` with version `reader` of EchoTune."""
    newest = ReleasedSchema(WRITER_ID + 1, "ListeningEvent", reader, VERSIONS[reader])
    monkeypatch.setattr(codecs, "current", lambda _: newest)
    known = ReleasedSchema(WRITER_ID, "ListeningEvent", writer, VERSIONS[writer])
    out = BytesIO(b"\x00" + WRITER_ID.to_bytes(4, "big"))
    out.seek(5)
    fastavro.schemaless_writer(out, VERSIONS[writer], record)
    decoded = Decoder({"ListeningEvent"}, lambda _: known).decode(out.getvalue())
    return decoded if isinstance(decoded, Rejected) else decoded[1]


def names_of(version: int) -> set[str]:
    return {each["name"] for each in VERSIONS[version]["fields"]}


def kinds_of(version: int) -> list[str]:
    return list(field(a_history()[version], "kind")["type"]["symbols"])


@pytest.mark.parametrize(("writer", "reader"), PAIRS)
def test_every_version_reads_every_other_with_its_values_and_else_with_the_default(
    monkeypatch: pytest.MonkeyPatch, writer: int, reader: int
) -> None:
    expected = {
        name: TOLD[name] if name in names_of(writer) else DEFAULTS[name]
        for name in names_of(reader)
    }
    assert read_by(monkeypatch, writer, reader, TOLD) == expected


@pytest.mark.parametrize(("writer", "reader"), PAIRS)
def test_every_kind_of_every_version_is_itself_or_unknown(
    monkeypatch: pytest.MonkeyPatch, writer: int, reader: int
) -> None:
    for kind in kinds_of(writer):
        found = read_by(monkeypatch, writer, reader, {**TOLD, "kind": kind})["kind"]
        assert found == (kind if kind in kinds_of(reader) else "UNKNOWN")


def test_the_history_is_one_that_the_contracts_rules_allow() -> None:
    assert incompatibilities(a_history()) == []
