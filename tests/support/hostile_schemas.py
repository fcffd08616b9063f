"""Writer schemas that make a decoder do much for few bytes, and events written with them."""

import copy
import json
from io import BytesIO
from typing import Any

import fastavro

from tests.support.learning_log import an_event
from topics.schemas import raw_schema

NODE = {
    "type": "record",
    "name": "Node",
    "fields": [{"name": "next", "type": ["null", "Node"], "default": None}],
}
"""A list of any length."""


def with_extra(kind: Any) -> str:
    """The text of the contract with one more field, which comes first, of any type."""
    raw = copy.deepcopy(raw_schema("ListeningEvent"))
    raw["fields"].insert(0, {"name": "extra", "type": kind})
    return json.dumps(raw)


def an_event_after(extra: bytes, schema_id: int = 7, **changes: Any) -> bytes:
    """An event under a registry's id whose extra field is encoded as `extra`."""
    out = BytesIO(b"\x00" + schema_id.to_bytes(4, "big") + extra)
    out.seek(0, 2)
    schema = fastavro.parse_schema(raw_schema("ListeningEvent"), named_schemas={})
    fastavro.schemaless_writer(out, schema, an_event(**changes))
    return out.getvalue()


def a_long(number: int) -> bytes:
    """An Avro long."""
    left, found = (number << 1) ^ (number >> 63), bytearray()
    while left > 0x7F:
        found.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes([*found, left])


def nested(levels: int) -> bytes:
    """A `NODE` of so many levels."""
    return b"\x02" * levels + b"\x00"


def a_tree(levels: int) -> Any:
    """A record of 2^levels values without a byte (a million laughs)."""
    kind: Any = {"type": "record", "name": "T0", "fields": []}
    for at in range(1, levels):
        both = [{"name": "a", "type": kind}, {"name": "b", "type": f"T{at - 1}"}]
        kind = {"type": "record", "name": f"T{at}", "fields": both}
    return kind


def lists_of(kind: Any, levels: int) -> Any:
    """Lists in lists."""
    for _ in range(levels):
        kind = {"type": "array", "items": kind}
    return kind


HOSTILE: dict[str, tuple[Any, bytes]] = {
    "as deep as it is long": (NODE, nested(40_000)),
    "deeper than any real record": (NODE, nested(1_000)),
    "a billion values without a byte": (lists_of("null", 1), a_long(10**9) + b"\x00"),
    "as many as a number can say": (lists_of("null", 1), a_long(2**63 - 1) + b"\x00"),
    "a negative count without a size": (lists_of("null", 1), a_long(-(2**63)) + b"\x00\x00"),
    "a million empty records": (
        lists_of({"type": "record", "name": "E", "fields": []}, 1),
        a_long(10**6) + b"\x00",
    ),
    "a million fixed of no bytes": (
        lists_of({"type": "fixed", "name": "F", "size": 0}, 1),
        a_long(10**6) + b"\x00",
    ),
    "a map of very many": ({"type": "map", "values": "null"}, a_long(10**9) + b"\x00" * 10_000),
    "lists in lists": (lists_of("long", 20), a_long(1000) * 20),
    "a text of a negative length": ("string", a_long(-1)),
    "a text that is longer than its record": ("bytes", a_long(2**62)),
    "a branch that the union does not have": (["null", "string"], a_long(-1)),
    "a number without an end": (lists_of("null", 1), b"\xff" * 5_000),
    "a block that is not as long as it says": (
        lists_of("long", 1),
        a_long(-1) + a_long(7) + b"\0\0",
    ),
    "a tree of a million values": (a_tree(20), b""),
}
"""By what is wrong: the type of the extra field, and its bytes."""

REFUSED: dict[str, str] = {
    "nests deeper than a schema does": with_extra(lists_of("null", 120)),
    "nests deeper than Python can": '{"type":"array","items":' * 50_000 + '"null"' + "}" * 50_000,
    "has more fields than anybody reads": with_extra(
        {
            "type": "record",
            "name": "Wide",
            "fields": [{"name": f"f{at}", "type": "null"} for at in range(6_000)],
        }
    ),
    "a fixed of a negative size": with_extra({"type": "fixed", "name": "F", "size": -5}),
    "a fixed of a text as its size": with_extra({"type": "fixed", "name": "F", "size": "5"}),
    "a fixed of true bytes": with_extra({"type": "fixed", "name": "F", "size": True}),
    "a fixed of a petabyte": with_extra({"type": "fixed", "name": "F", "size": 10**15}),
    "an enum of nothing": with_extra({"type": "enum", "name": "S", "symbols": []}),
    "a name that is a list": '{"type":"record","name":["echotune.ListeningEvent"],"fields":[]}',
    "a field whose name is a list": with_extra("null").replace('"extra"', '["extra"]'),
    "says that it was checked": '{"__fastavro_parsed":true,"type":"record","fields":[]}',
    "says what its names mean": with_extra("Node").replace(
        "{", '{"__fastavro_parsed":true,"__named_schemas":{},', 1
    ),
    "fields that are none": '{"type":"record","name":"echotune.ListeningEvent","fields":7}',
    "a number that Python does not take": with_extra("null").replace('"null"', "9" * 5_000, 1),
}
"""Texts of schemas that are refused, by what is wrong."""
