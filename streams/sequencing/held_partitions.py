"""Which partitions are held, why, and the chunks that wait for each. Pure: times are arguments.

A partition is held while its circuit breaker pauses it, or while a registry is asked for a schema
that a chunk needs. Its chunks wait in order. Once no reason is left they are taken one by one; each
may give a new reason, and then the others wait on. With the last of them the hold ends.
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
    """What waits, in order of the source."""
    needs_schema: bool = False
    """Whether the first chunk waits for a schema that was not fetched yet."""


class HeldPartitions:
    """The holds of one assignment, and circuit breakers that outlive it.

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
        """Whether chunks of a partition have to wait."""
        return tp in self._holds

    def add(self, tp: TopicPartition, chunk: Any) -> bool:
        """Lets a chunk of a held partition wait; False: it is not held, nothing is kept."""
        hold = self._holds.get(tp)
        if hold is not None:
            hold.chunks.append(chunk)
        return hold is not None

    def note(self, tp: TopicPartition, now_s: float, records: int, bad: int) -> Hold | None:
        """Notes a chunk that went through; the partition's hold where its breaker is open."""
        self._breakers.setdefault(tp, CircuitBreaker()).note(now_s, records, bad)
        return self._hold(tp) if self.pause_left_s(tp, now_s) else None

    def wait_for_schema(self, tp: TopicPartition, chunk: Any) -> Hold:
        """Holds a partition at `chunk`, which needs a schema that was not fetched yet."""
        hold = self._hold(tp)
        hold.chunks.appendleft(chunk)
        hold.needs_schema = True
        return hold

    def _hold(self, tp: TopicPartition) -> Hold:
        return self._holds.setdefault(tp, Hold(tp))

    def next_chunk(self, hold: Hold, now_s: float) -> Any | None:
        """Takes the next chunk that may go on; None: there is none, or a reason to wait is left.

        Ends a hold that has no reason and no chunk left.
        """
        if self.resumes_in_s(hold, now_s) != 0.0:
            return None
        if hold.chunks:
            return hold.chunks.popleft()
        del self._holds[hold.tp]
        return None

    def resumes_in_s(self, hold: Hold, now_s: float) -> float | None:
        """After how long to try again; None where time changes nothing.

        That is so while a schema is fetched, and once the hold has ended.
        """
        is_current = self._holds.get(hold.tp) is hold
        return None if hold.needs_schema or not is_current else self.pause_left_s(hold.tp, now_s)

    def pause_left_s(self, tp: TopicPartition, now_s: float) -> float:
        """For how much longer a partition's circuit breaker pauses it."""
        breaker = self._breakers.get(tp)
        return breaker.pause_left_s(now_s) if breaker else 0.0

    def end_all(self) -> list[TopicPartition]:
        """Ends every hold and drops its chunks, as an assignment does; whose holds they were."""
        ended, self._holds = [*self._holds], {}
        return ended
