"""Tells records that nothing of EchoTune writes from damaged ones, and newer versions' records."""

from topics.catalogue import Topic
from topics.codecs import HEADER_BYTES, MAGIC
from topics.errors import SchemaError
from topics.schemas import FIXED_IDS_FROM, released


def why_stray(value: bytes | None, topic: Topic) -> str:
    """Why a record of `topic` is not one of EchoTune's; empty if it may be one, or was once.

    `topic` is one that EchoTune alone writes to, with fixed schema ids.

    >>> from topics.catalogue import LEARNING_LOG
    >>> why_stray(b"a line of a console", LEARNING_LOG)
    'it has no value in the wire format'
    """
    if value is None or len(value) < HEADER_BYTES or value[0] != MAGIC:
        return "it has no value in the wire format"
    schema_id = int.from_bytes(value[1:HEADER_BYTES], "big")
    if schema_id < FIXED_IDS_FROM:
        return f"schema {schema_id} is not one of EchoTune's"
    try:
        name = released(schema_id).name
    except SchemaError:
        return ""  # of a newer version
    return "" if name in topic.contracts else f"{name} does not belong in {topic.name}"
