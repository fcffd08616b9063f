"""Schemas of others: whatever they and their records are, decoding them is bounded."""

import time
from typing import Any

import pytest

from tests.support.hostile_schemas import (
    HOSTILE,
    NODE,
    REFUSED,
    a_long,
    an_event_after,
    lists_of,
    nested,
    with_extra,
)
from topics.avro_bounds import DEPTH_MAX, VALUES_MAX
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder
from topics.errors import SchemaError
from topics.registered_schemas import writer_schema
from topics.rejection import Rejected, RejectionReason
from topics.schemas import current

SECONDS_MAX = 2.0
"""Far more than a bounded record needs, and far less than an unbounded one does."""


def read(kind: Any, extra: bytes) -> Rejected | tuple[str, dict[str, Any]]:
    text = with_extra(kind)
    decoder = Decoder(LISTENING_EVENTS.contracts, lambda at: writer_schema(at, text))
    return decoder.decode(an_event_after(extra))


@pytest.mark.parametrize("what", HOSTILE)
def test_a_record_beyond_a_bound_is_rejected_before_it_is_decoded(what: str) -> None:
    began = time.process_time()
    found = read(*HOSTILE[what])
    assert isinstance(found, Rejected)
    assert found.reason in (RejectionReason.MALFORMED, RejectionReason.UNKNOWN_SCHEMA)
    assert time.process_time() - began < SECONDS_MAX


@pytest.mark.parametrize("what", REFUSED)
def test_a_schema_that_nobody_needs_is_refused(what: str) -> None:
    began = time.process_time()
    with pytest.raises(SchemaError, match="Schema id 7"):
        writer_schema(7, REFUSED[what])
    assert time.process_time() - began < SECONDS_MAX


@pytest.mark.parametrize(
    ("kind", "extra"),
    [
        (NODE, nested(DEPTH_MAX - 3)),
        (lists_of("null", 1), a_long(VALUES_MAX - 100) + b"\x00"),
        (lists_of("string", 1), a_long(-2) + a_long(4) + b"\x02a\x02b" + b"\x00"),
        ({"type": "map", "values": "long"}, b"\x02\x02k\x08\x00"),
        (["null", "bytes"], b"\x02\x04ab"),
        ({"type": "fixed", "name": "F", "size": 3}, b"abc"),
        ({"type": "enum", "name": "S", "symbols": ["A", "B"]}, b"\x02"),
        ("double", bytes(8)),
    ],
)
def test_a_record_within_the_bounds_is_read_with_its_extra_field_left_out(
    kind: Any, extra: bytes
) -> None:
    found = read(kind, extra)
    assert not isinstance(found, Rejected), found
    assert found[1]["listener_id"] == "ann"
    assert "extra" not in found[1]


def test_what_looks_like_a_type_in_a_default_or_a_doc_is_none() -> None:
    spoof = {"type": "record", "name": "echotune.Node", "fields": []}
    kind = {**NODE, "doc": [spoof], "default": spoof, "x": {"y": spoof}}
    assert isinstance(read(kind, nested(40_000)), Rejected)


def test_events_of_plain_schemas_are_not_walked() -> None:
    assert not current("ListeningEvent").needs_walk
    assert not writer_schema(7, with_extra(["null", "string"])).needs_walk
    assert writer_schema(7, with_extra(NODE)).needs_walk
    assert writer_schema(7, with_extra(lists_of("string", 1))).needs_walk
