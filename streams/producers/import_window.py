"""How many events of an import may wait to be learnt (a sliding window). Pure.

The events of a partition are learnt in their order, so that a play of now waits behind everything
that an import sent before it. An import therefore sends no more than is learnt in a second or two.
Its window follows the rate at which events are learnt. Where nothing is learnt, nobody is kept
waiting, and it sends as fast as the broker takes it.
"""

from collections.abc import Mapping
from math import inf

WINDOW_MIN = 2_000
SPAN_S = 0.9
"""The rate is measured over no less: folds say once a second how far they are."""
HEADROOM_S = 1.5
"""How long it takes to learn what may wait; above `SPAN_S`, so that the window can grow."""
SILENCE_S = 3.0
"""Folds that say nothing for so long do not run: nobody is waited for."""
PATIENCE_S = 10.0
"""Nor is a fold that says for so long that it stands."""


class ImportWindow:
    """The events that one import has sent; times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self.size = float(WINDOW_MIN)
        self._sent = 0
        self._acknowledged = 0
        self._first: dict[int, int] = {}
        self._end: dict[int, int] = {}
        self._next: Mapping[int, int] = {}
        self._heard_at = self._moved_at = self._full_at = -inf
        self._measured = (-inf, 0)

    @property
    def waiting(self) -> int:
        """Events that were sent and are not learnt yet, with those of others between them."""
        behind = sum(end - self._learnt_to(at) for at, end in self._end.items())
        return self._sent - self._acknowledged + behind

    def sent(self, events: int) -> None:
        """Notes that so many more events are on their way."""
        self._sent += events

    def acknowledged(self, partition: int, offset: int) -> None:
        """Notes that the broker has one of them at this offset of the topic."""
        self._acknowledged += 1
        self._first.setdefault(partition, offset)
        self._end[partition] = max(offset + 1, self._end.get(partition, 0))

    def heard(self, now_s: float, next_by_partition: Mapping[int, int]) -> None:
        """Notes the first offset of each partition that is not learnt yet."""
        before = self._learnt()
        self._heard_at, self._next = now_s, next_by_partition
        learnt = self._learnt()
        if learnt > before:
            self._moved_at = now_s
        measured_at, then = self._measured
        if now_s - measured_at < SPAN_S:
            return
        if self._full_at > measured_at > -inf:
            rate = (learnt - then) / (now_s - measured_at)
            self.size = max(float(WINDOW_MIN), HEADROOM_S * rate)
        self._measured = (now_s, learnt)

    def may_send(self, now_s: float, events: int) -> bool:
        """Whether so many more may be sent now."""
        if not self.waiting or self.waiting + events <= self.size:
            return True
        if self._full_at < self._moved_at or self._full_at == -inf:
            self._full_at = now_s
        is_heard = now_s - self._heard_at < SILENCE_S
        goes_on = now_s - max(self._moved_at, self._full_at) < PATIENCE_S
        return not (is_heard and goes_on)

    def _learnt(self) -> int:
        return sum(self._learnt_to(at) - first for at, first in self._first.items())

    def _learnt_to(self, partition: int) -> int:
        """The first offset of this import's range that is not learnt, or the range's end."""
        first, end = self._first[partition], self._end[partition]
        return min(end, max(first, self._next.get(partition, first)))
