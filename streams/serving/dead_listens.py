"""Listens that cannot be events as dead letters. Pure."""

import hashlib
import json
from typing import Any

import orjson

from streams.producers.acknowledged_producer import Record, dead_letter_record
from streams.serving.submissions import BadListen
from topics.rejection import RejectionReason

LETTER_BYTES_MAX = 400_000
"""A larger listen keeps its beginning, which may double as a text: a broker takes a megabyte."""


def letter_of(name: str, bad: BadListen) -> Record:
    """A dead letter: its key follows from its bytes, so that the same again is known as such."""
    value = _value(name, bad.listen)
    digest = hashlib.sha256(value).hexdigest()[:32]
    if len(value) > LETTER_BYTES_MAX:
        beginning = value[:LETTER_BYTES_MAX].decode(errors="replace")
        value = orjson.dumps({"listener_id": name, "beginning": beginning})
    headers = {
        "reason": str(RejectionReason.INVALID),
        "error": bad.why,
        "origin_topic": "http",
        "origin_partition": "submit-listens",
        "origin_offset": digest,
    }
    return dead_letter_record(f"http/submit-listens/{digest}", value, headers)


def _value(name: str, listen: Any) -> bytes:
    """The listen as JSON; null if it is nested too deeply to be written at all."""
    letter = {"listener_id": name, "listen": listen}
    try:
        return orjson.dumps(letter)
    except orjson.JSONEncodeError:  # half a surrogate pair, a huge number, or nested deeply
        pass
    try:
        return json.dumps(letter).encode()
    except RecursionError:
        return orjson.dumps({"listener_id": name, "listen": None})
