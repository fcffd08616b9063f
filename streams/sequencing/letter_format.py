"""Dead letters: rejected records with unchanged bytes, and the reason in the headers.

A letter that its topic does not take is cut: it holds the first bytes of the value only, and its
headers say so, with the size and the SHA-256 of the whole value.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import cramjam

from streams.sequencing.validation import RejectedRecord, SourceRecord
from topics.codecs import GUID_HEADER_BYTES, SCHEMA_HEADER, UnreadValue, schema_ref_of

ERROR_HEADER_BYTES_MAX = 4_096
CUT_TO = ((64 * 1024, ERROR_HEADER_BYTES_MAX), (0, 200))
"""Lengths of value and texts to which a letter is cut, one after the other, until it is taken."""
_BATCH_BYTES, _FIELD_BYTES = 80, 5
"""Most bytes that Kafka adds for a batch of one record, and for each of its fields."""
SCHEMA_HEADER_HEX = "origin_schema_header"
"""Header that holds, in hexadecimal, the record's header that names the schema of its value."""


def letters_of(
    each: RejectedRecord, topic: str, partition: int, version: str
) -> Iterator[dict[str, Any]]:
    """Producer messages that keep `each`, ever smaller: the whole value first, then cut ones."""
    value = each.record.value
    letter = _letter(each, topic, partition, version, value, ERROR_HEADER_BYTES_MAX)
    if isinstance(value, UnreadValue):  # of unknown size
        letter["headers"].append(("cut", b"true"))
    yield letter
    for length, text_bytes_max in CUT_TO:
        kept = None if value is None else value[:length]
        cut = _letter(each, topic, partition, version, kept, text_bytes_max)
        if value is not None and kept != value:
            cut["headers"] += _cut_headers(value)
        yield cut


def fits(letter: dict[str, Any], bytes_max: int) -> bool:
    """Whether a topic takes a batch with this letter alone, compressed if need be."""
    texts = [(name.encode(), text) for name, text in letter["headers"]]
    parts = [
        letter["key"].encode(),
        letter["value"] or b"",
        *(part for pair in texts for part in pair),
    ]
    framing = _BATCH_BYTES + _FIELD_BYTES * len(parts)
    if framing + sum(map(len, parts)) <= bytes_max:
        return True
    return framing + len(cramjam.lz4.compress(b"".join(parts))) <= bytes_max


def _letter(
    each: RejectedRecord,
    topic: str,
    partition: int,
    version: str,
    value: bytes | None,
    text_bytes_max: int,
) -> dict[str, Any]:
    """The message whose value is `value`; its key is the record's origin."""
    origin = f"{topic}/{partition}/{each.record.offset}"
    headers = {
        "reason": str(each.rejected.reason),
        "error": _cut_text(each.rejected.detail, text_bytes_max),
        "schema_id": _schema_id(each.record),
        "origin_topic": topic,
        "origin_partition": str(partition),
        "origin_offset": str(each.record.offset),
        "origin_timestamp": str(each.record.timestamp),
        "sequencer_version": version,
    }
    encoded = [(name, text.encode()) for name, text in headers.items()]
    if each.record.key is not None:
        encoded.append(("origin_key", each.record.key[:text_bytes_max]))
    encoded += [(SCHEMA_HEADER_HEX, named.hex().encode()) for named in _named(each.record)]
    return {"key": origin, "value": value, "headers": encoded}


def _cut_text(text: str, bytes_max: int) -> str:
    """The beginning of a text that may quote others: also half a surrogate pair, as `?`."""
    return text.encode(errors="replace")[:bytes_max].decode(errors="ignore")


def _named(record: SourceRecord) -> list[bytes]:
    """The header that names the schema of a value, if there is one of a possible length."""
    named = [value for name, value in record.headers if name == SCHEMA_HEADER and value]
    return [each for each in named if len(each) <= GUID_HEADER_BYTES][:1]


def _cut_headers(value: bytes) -> list[tuple[str, bytes]]:
    headers = {
        "cut": "true",
        "original_bytes": str(len(value)),
        "original_sha256": sha256(value).hexdigest(),
    }
    return [(name, text.encode()) for name, text in headers.items()]


def _schema_id(record: SourceRecord) -> str:
    found = schema_ref_of(record.value, record.headers)
    return "" if found is None else str(found)
