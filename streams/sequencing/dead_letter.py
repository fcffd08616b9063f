"""Dead letters: rejected records with unchanged bytes, and the reason in the headers."""

from typing import Any

from streams.sequencing.validation import RejectedRecord
from topics.codecs import HEADER_BYTES

ERROR_HEADER_BYTES_MAX = 4_096


def dead_letter(each: RejectedRecord, topic: str, partition: int, version: str) -> dict[str, Any]:
    """The producer message that keeps `each`; its key is the record's origin."""
    origin = f"{topic}/{partition}/{each.record.offset}"
    value = each.record.value
    headers = {
        "reason": str(each.rejected.reason),
        "error": each.rejected.detail,
        "schema_id": _schema_id(value),
        "origin_topic": topic,
        "origin_partition": str(partition),
        "origin_offset": str(each.record.offset),
        "origin_timestamp": str(each.record.timestamp),
        "sequencer_version": version,
    }
    encoded = [(k, v.encode()[:ERROR_HEADER_BYTES_MAX]) for k, v in headers.items()]
    if each.record.key is not None:
        encoded.append(("origin_key", each.record.key[:ERROR_HEADER_BYTES_MAX]))
    return {"key": origin, "value": value, "headers": encoded}


def _schema_id(value: bytes | None) -> str:
    return (
        str(int.from_bytes(value[1:HEADER_BYTES], "big"))
        if value and len(value) >= HEADER_BYTES
        else ""
    )
