"""Chunks: what a fetch brought of one partition, as one Faust message."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from faust import Schema
from faust.types import TP, Message

Positions = Mapping[TP, int]
StartingPositions = Callable[[set[TP], Mapping[TP, int | None]], Awaitable[Positions]]
"""Assigned partitions and their committed offsets → the offset at which each is to be read.

Called before anything is fetched after an assignment or `begin_again`; may wait as long as it
needs, is cancelled when the assignment changes meanwhile, and what it raises stops the worker.
"""

CHUNK_BYTES_MAX = 4 * 1024 * 1024
"""Values of a chunk beyond this are the next chunk, so that latency stays bounded."""


def chunks_of(records: list[Any], bytes_max: int = CHUNK_BYTES_MAX) -> Iterator[list[Any]]:
    """`records` in pieces whose values are at most `bytes_max` together, or one record each."""
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
    """Hands chunks to agents as they are: decoding is the agent's."""

    def loads_key(self, app: Any, message: Message, **_: Any) -> Any:
        """The key of a chunk is None."""
        return message.key

    def loads_value(self, app: Any, message: Message, **_: Any) -> Any:
        """The chunk: a list of aiokafka records."""
        return message.value
