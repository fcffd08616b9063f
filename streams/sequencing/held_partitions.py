"""Which partitions are held, why, and the chunks that wait for each. Pure: times are arguments.

A partition is held while its circuit breaker pauses it, or while a schema that a chunk needs is
fetched from the registry. Its chunks wait in order. When no reason is left they are processed one
by one. A chunk may be a new reason to hold, and then the next chunks continue to wait. The hold
ends after the last chunk.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from streams.sequencing.circuit_breaker import CircuitBreaker
from streams.sequencing.start_positions import TopicPartition


@dataclass(eq=False)
class Hold:
    """One hold of one partition: it ends once, and the next hold is another object."""

    tp: TopicPartition
    chunks: deque[Any] = field(default_factory=deque)
    """The waiting chunks, in the order of the source."""
    needs_schema: bool = False
    """Whether the first chunk waits for a schema that has not been fetched yet."""


class HeldPartitions:
    """The holds of one assignment, and the circuit breakers, which outlive it.

    >>> held, tp = HeldPartitions(), TopicPartition("listening-events", 0)
    >>> hold = held.note(tp, now_s=0.0, records=100, bad=50)
    >>> held.add(tp, "a chunk"), held.pause_left_s(tp, now_s=1.0)
    (True, 4.0)
    >>> held.next_chunk(hold, now_s=1.0), held.next_chunk(hold, now_s=5.0)
    (None, 'a chunk')
    """

    def __init__(self) -> None:
        self._holds: dict[TopicPartition, Hold] = {}
        self._breakers: dict[TopicPartition, CircuitBreaker] = {}

    def is_held(self, tp: TopicPartition) -> bool:
        """Whether the chunks of a partition have to wait."""
        return tp in self._holds

    def add(self, tp: TopicPartition, chunk: Any) -> bool:
        """Keeps a chunk of a held partition; returns False if the partition is not held."""
        hold = self._holds.get(tp)
        if hold is not None:
            hold.chunks.append(chunk)
        return hold is not None

    def note(self, tp: TopicPartition, now_s: float, records: int, bad: int) -> Hold | None:
        """Counts a processed chunk; returns the partition's hold if its circuit breaker is open."""
        self._breakers.setdefault(tp, CircuitBreaker()).note(now_s, records, bad)
        return self._hold(tp) if self.pause_left_s(tp, now_s) else None

    def wait_for_schema(self, tp: TopicPartition, chunk: Any) -> Hold:
        """Holds a partition at `chunk`, which needs a schema that has not been fetched yet."""
        hold = self._hold(tp)
        hold.chunks.appendleft(chunk)
        hold.needs_schema = True
        return hold

    def _hold(self, tp: TopicPartition) -> Hold:
        return self._holds.setdefault(tp, Hold(tp))

    def next_chunk(self, hold: Hold, now_s: float) -> Any | None:
        """Removes and returns the next chunk; None if none is left or the hold has to continue.

        Ends a hold that has no reason and no chunk left.
        """
        if self.resumes_in_s(hold, now_s) != 0.0:
            return None
        if hold.chunks:
            return hold.chunks.popleft()
        del self._holds[hold.tp]
        return None

    def resumes_in_s(self, hold: Hold, now_s: float) -> float | None:
        """Seconds after which to try again; None if that does not depend on time.

        It is None while a schema is fetched, and after the hold has ended.
        """
        is_current = self._holds.get(hold.tp) is hold
        return None if hold.needs_schema or not is_current else self.pause_left_s(hold.tp, now_s)

    def pause_left_s(self, tp: TopicPartition, now_s: float) -> float:
        """Seconds for which a partition's circuit breaker still pauses it."""
        breaker = self._breakers.get(tp)
        return breaker.pause_left_s(now_s) if breaker else 0.0

    def end_all(self) -> list[TopicPartition]:
        """Ends every hold and drops its chunks; returns the partitions that were held."""
        ended, self._holds = [*self._holds], {}
        return ended
