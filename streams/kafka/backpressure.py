"""Backpressure: which chunks are in flight or acknowledged, and whether there is capacity for more.

This module is pure; `BatchConsumer` fetches, hands out and commits chunks.
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Protocol


class Chunk(Protocol):
    """A message that holds the records of a partition up to and including `offset`."""

    @property
    def tp(self) -> Any:
        """Topic and partition."""
        ...

    @property
    def offset(self) -> int:
        """Offset of the last record."""
        ...


class ChunksInFlight:
    """Chunks that are not acknowledged yet, by partition, in the order in which they came.

    A paused partition is not fetched. Its chunks do not use capacity, because they may wait for a
    long time.
    """

    def __init__(self) -> None:
        self._chunks: dict[Hashable, list[Chunk]] = {}
        self._paused: set[Hashable] = set()
        self._acknowledged_next: dict[Hashable, int] = {}

    def __len__(self) -> int:
        """How many chunks are in flight."""
        return sum(map(len, self._chunks.values()))

    @property
    def paused(self) -> frozenset[Hashable]:
        """Partitions that must not be fetched."""
        return frozenset(self._paused)

    def pause(self, tp: Hashable) -> None:
        """Stops fetching `tp`."""
        self._paused.add(tp)

    def resume(self, tp: Hashable) -> None:
        """Fetches `tp` again."""
        self._paused.discard(tp)

    def has_capacity(self, most: int) -> bool:
        """Whether another chunk may be handed out if at most `most` may be in flight."""
        taken = sum(len(chunks) for tp, chunks in self._chunks.items() if tp not in self._paused)
        return taken < most

    def add(self, chunk: Chunk) -> None:
        """Notes that a chunk is handed out."""
        self._chunks.setdefault(chunk.tp, []).append(chunk)

    def is_current(self, chunk: Chunk) -> bool:
        """Whether `chunk` may still be acknowledged: chunks were not dropped after its fetch."""
        return any(each is chunk for each in self._chunks.get(chunk.tp, ()))

    def acknowledge(self, chunk: Chunk) -> bool:
        """Acknowledges a chunk; returns False if it is no longer current.

        Raises `RuntimeError` if it is not the oldest chunk of its partition.
        """
        if not self.is_current(chunk):
            return False
        chunks = self._chunks[chunk.tp]
        if chunks[0] is not chunk:
            raise RuntimeError(f"chunk {chunk.offset} of {chunk.tp} overtook another")
        del chunks[0]
        self._acknowledged_next[chunk.tp] = chunk.offset + 1
        return True

    def drop(self) -> None:
        """Drops every chunk in flight: none of them is current any more."""
        self._chunks.clear()

    def begin(self, partitions: Iterable[Hashable]) -> None:
        """Begins at new positions of `partitions`; drops earlier acknowledgements."""
        self._paused &= set(partitions)
        self.forget_acknowledged()

    def forget_acknowledged(self) -> None:
        """Drops acknowledged offsets: another process owns the partitions and commits theirs."""
        self._acknowledged_next.clear()

    def uncommitted(
        self, assigned: Iterable[Hashable], committed: Mapping[Any, int | None]
    ) -> dict[Any, int]:
        """The offsets to commit: of assigned partitions, acknowledged and not yet committed."""
        found = ((tp, self._acknowledged_next.get(tp)) for tp in assigned)
        return {tp: at for tp, at in found if at is not None and at != committed.get(tp)}
