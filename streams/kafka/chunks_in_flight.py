"""Which chunks the agents have, which of them are acknowledged, and whether there is room for more.

Pure: `BatchConsumer` fetches, hands out and commits by it.
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Protocol


class Chunk(Protocol):
    """A message that holds the records of a partition up to `offset`."""

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

    A partition that is held is not fetched, and its chunks take no room from others: they wait for
    something that may take long.
    """

    def __init__(self) -> None:
        self._chunks: dict[Hashable, list[Chunk]] = {}
        self._held: set[Hashable] = set()
        self._acknowledged_next: dict[Hashable, int] = {}

    def __len__(self) -> int:
        """How many chunks are in flight."""
        return sum(map(len, self._chunks.values()))

    @property
    def held(self) -> frozenset[Hashable]:
        """Partitions that are not to be fetched."""
        return frozenset(self._held)

    def hold(self, tp: Hashable) -> None:
        """Fetches no more of `tp` for now."""
        self._held.add(tp)

    def release(self, tp: Hashable) -> None:
        """Fetches `tp` again."""
        self._held.discard(tp)

    def has_room(self, most: int) -> bool:
        """Whether another chunk may be handed out, where `most` may be in flight."""
        taken = sum(len(chunks) for tp, chunks in self._chunks.items() if tp not in self._held)
        return taken < most

    def add(self, chunk: Chunk) -> None:
        """A chunk is handed out."""
        self._chunks.setdefault(chunk.tp, []).append(chunk)

    def is_current(self, chunk: Chunk) -> bool:
        """Whether `chunk` may still be acknowledged: nothing moved since it was fetched."""
        return any(each is chunk for each in self._chunks.get(chunk.tp, ()))

    def acknowledge(self, chunk: Chunk) -> bool:
        """Takes the acknowledgement of a chunk; False where it is no longer current.

        Raises `RuntimeError` where it is not the oldest of its partition.
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
        """Forgets every chunk in flight: none of them is current any more."""
        self._chunks.clear()

    def begin(self, partitions: Iterable[Hashable]) -> None:
        """These partitions begin at new positions: what was acknowledged counts no more."""
        self._held &= set(partitions)
        self.forget_acknowledged()

    def forget_acknowledged(self) -> None:
        """Nothing is to be committed any more: the partitions are another's."""
        self._acknowledged_next.clear()

    def uncommitted(
        self, assigned: Iterable[Hashable], committed: Mapping[Any, int | None]
    ) -> dict[Any, int]:
        """Next offset of each assigned partition that is acknowledged and not yet committed."""
        found = ((tp, self._acknowledged_next.get(tp)) for tp in assigned)
        return {tp: at for tp, at in found if at is not None and at != committed.get(tp)}
