"""F13: every writer's version beside every reader's: the stated table, never a wrong value."""

import copy
from collections.abc import Callable
from io import BytesIO
from typing import Any

import fastavro
import pytest

from tests.support.learning_log import an_event
from topics.codecs import Decoder
from topics.rejection import Rejected
from topics.schemas import ReleasedSchema, raw_schema

WRITER_ID = 17
EVENT = an_event(kind="LOVE", ms_played=5_000, context="party")


def field(schema: Any, name: str) -> Any:
    return next(each for each in schema["fields"] if each["name"] == name)


def same(schema: Any) -> None:
    """As this reader."""


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


def a_needed_field_gone(schema: Any) -> None:
    schema["fields"].remove(field(schema, "listener_id"))


def a_text_for_a_number(schema: Any) -> None:
    field(schema, "listened_at")["type"] = ["null", "string"]


def read(change: Callable[[Any], None], **event: Any) -> Any:
    """What this reader makes of `EVENT`, as a writer with a changed schema writes it."""
    raw = copy.deepcopy(raw_schema("ListeningEvent"))
    change(raw)
    written = dict(fastavro.parse_schema(raw, named_schemas={}))
    out = BytesIO(b"\x00" + WRITER_ID.to_bytes(4, "big"))
    out.seek(5)
    fastavro.schemaless_writer(out, written, {**EVENT, "mood": 7, **event})
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
}
REFUSED = (a_needed_field_gone, a_text_for_a_number)


@pytest.mark.parametrize("change", READ, ids=lambda each: each.__name__)
def test_a_compatible_writer_is_read_with_its_values_and_defaults(
    change: Callable[[Any], None],
) -> None:
    more = {"mood": "blue"} if change is one_more else {}
    assert read(change, **more) == READ[change]


@pytest.mark.parametrize("change", REFUSED, ids=lambda each: each.__name__)
def test_an_incompatible_writer_is_refused(change: Callable[[Any], None]) -> None:
    more = {"listened_at": "noon"} if change is a_text_for_a_number else {}
    assert isinstance(read(change, **more), Rejected)


def test_a_kind_of_tomorrow_is_unknown_and_nothing_else() -> None:
    assert read(a_new_kind, kind="SHARE") == {**EVENT, "kind": "UNKNOWN"}


def test_a_value_of_a_wider_union_is_refused_and_never_guessed() -> None:
    assert isinstance(read(another_union, context=5), Rejected)


def test_a_number_beyond_this_readers_is_refused_and_never_cut() -> None:
    found = read(a_long, ms_played=2**40)
    assert isinstance(found, Rejected) or found["ms_played"] == 2**40
