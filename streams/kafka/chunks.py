"""Chunks (micro-batches): the records of one partition from one fetch, as one Faust message."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, NamedTuple

from faust import Schema
from faust.types import TP, Message

Positions = Mapping[TP, int]
StartingPositions = Callable[[set[TP], Mapping[TP, int | None]], Awaitable[Positions]]
"""Assigned partitions and their committed offsets → the offset at which each is to be read.

Called after an assignment or `restart_from_positions`, before the next fetch. It may wait without a
limit. It is cancelled if the assignment changes, and an error that it raises stops the worker.
"""


class Fetched(NamedTuple):
    """What one fetch has brought of a partition."""

    records: list[Any]
    next: int
    """The offset to read next. Offsets before it that hold no record are vacant: markers of
    transactions, records of aborted ones, records that compaction has removed."""


CHUNK_BYTES_MAX = 4 * 1024 * 1024
"""Maximum size of the values of a chunk, so that latency stays bounded."""


def chunks_of(records: list[Any], bytes_max: int = CHUNK_BYTES_MAX) -> Iterator[list[Any]]:
    """Splits `records` into chunks of at most `bytes_max` (values), or of one larger record."""
    chunk: list[Any] = []
    size = 0
    for record in records:
        added = len(record.value or b"")
        if chunk and size + added > bytes_max:
            yield chunk
            chunk, size = [], 0
        chunk.append(record)
        size += added
    if chunk:
        yield chunk


class ChunkSchema(Schema):
    """Passes chunks to agents unchanged: the agent decodes them."""

    def loads_key(self, app: Any, message: Message, **_: Any) -> Any:
        """The key of a chunk is None."""
        return message.key

    def loads_value(self, app: Any, message: Message, **_: Any) -> Any:
        """The chunk: a list of aiokafka records."""
        return message.value
