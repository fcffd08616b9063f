"""Events of producers whose schemas are in a registry."""

import copy
import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import fastavro

from tests.support.learning_log import an_event
from topics.schemas import raw_schema

Change = Callable[[Any], None]


def as_released(schema: Any) -> None:
    """The unchanged contract."""


def with_a_mood(schema: Any) -> None:
    """One more field, and another order."""
    schema["fields"].insert(0, {"name": "mood", "type": ["null", "string"], "default": None})


def without_listener(schema: Any) -> None:
    """Without a field that this reader requires."""
    schema["fields"] = [each for each in schema["fields"] if each["name"] != "listener_id"]


def another_record(schema: Any) -> None:
    """The same fields under a name that no contract has."""
    schema["name"] = "Purchase"


def in_microseconds(schema: Any) -> None:
    """A field with another unit."""
    [field] = [each for each in schema["fields"] if each["name"] == "ms_played"]
    field["type"] = ["null", {"type": "long", "logicalType": "time-micros"}]


def a_contract(change: Change = as_released, name: str = "ListeningEvent") -> str:
    """The text of a writer's schema: a contract with a change."""
    raw = copy.deepcopy(raw_schema(name))
    change(raw)
    return json.dumps(raw)


def written(schema_id: int, text: str, **changes: Any) -> bytes:
    """An event as its producer writes it with the schema `text` that has `schema_id`."""
    out = BytesIO(b"\x00" + schema_id.to_bytes(4, "big"))
    out.seek(5)
    schema = fastavro.parse_schema(json.loads(text), named_schemas={})
    fastavro.schemaless_writer(out, schema, {"mood": None, **an_event(**changes)})
    return out.getvalue()
