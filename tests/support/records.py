"""Records of `listening-events` as a consumer returns them, valid and malformed."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.learning_log import BEGAN_MS, an_event
from topics.codecs import encode

UNKNOWN_SCHEMA_ID = 999
MIB = 1024 * 1024


@dataclass
class ARecord:
    """A consumed record; `timestamp` is the broker's, ms."""

    offset: int
    value: bytes | None
    key: bytes | None = b"ann"
    timestamp: int = BEGAN_MS
    headers: Sequence[tuple[str, bytes | None]] = ()


def a_value(**changes: Any) -> bytes:
    """A valid event, encoded."""
    return encode("ListeningEvent", an_event(**changes))


POISON: dict[str, bytes | None] = {
    "null_value": None,
    "empty": b"",
    "bad_magic": b"\x02" + a_value()[1:],
    "unknown_schema": b"\x00" + struct.pack(">I", UNKNOWN_SCHEMA_ID) + a_value()[5:],
    "a contract of another topic": b"\x00" + struct.pack(">I", 1_000_000_001) + a_value()[5:],
    "truncated": a_value()[:-3],
    "bytes left over": a_value() + b"\x00",
    "text that is no UTF-8": a_value().replace(b"navidrome", b"navidr\xffme"),
    "nul in an id": a_value(listener_id="a\x00b"),
    "an id of 10,000 characters": a_value(listener_id="x" * 10_000),
    "no listener": a_value(listener_id=""),
    "in the future": a_value(listened_at=BEGAN_MS + 10 * 60_000 + 1),
    "in 1970": a_value(listened_at=86_400_000),
    "before 2002-10-01": a_value(listened_at=1_033_430_399_999),
    "no track": a_value(track_id=None),
    "a negative length": a_value(ms_played=-5),
    "no avro at all": b"hello",
}
"""Values that are no valid event (poison messages), by what is wrong."""
