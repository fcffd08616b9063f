"""What all open pages of a process share: bounds, and answers that are a moment old."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from streams.listens.listen_history import HistoryPosition
from streams.serving.console.shown_status import StatusSamples

STREAMS_MAX = 64
"""Maximum number of open pages of a process."""
STREAMS_OF_ONE_MAX = 8
"""Maximum number of open pages of a person."""
STATUS_EVERY_S = 2.0
POSITION_EVERY_S = 0.1

T = TypeVar("T")


class Recent(Generic[T]):
    """An answer that is asked for again once it is `max_age_s` old, by one caller at a time."""

    def __init__(self, max_age_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_age_s = max_age_s
        self._clock = clock
        self._lock = asyncio.Lock()
        self._found: tuple[float, T] | None = None

    async def get(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer; `ask` gives a new one."""
        async with self._lock:
            if self._found is None or self._clock() - self._found[0] >= self._max_age_s:
                self._found = (self._clock(), await ask())
            return self._found[1]


class OpenStreams:
    """Counts the streams to open pages, and says when they have to end."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self.is_ending: Callable[[], bool] = lambda: False
        """Whether the service ends; it waits for streams, which look often."""

    def has_place(self, name: str) -> bool:
        """Whether a person may open one more."""
        return self._open.total() < STREAMS_MAX and self._open[name] < STREAMS_OF_ONE_MAX

    @contextmanager
    def place(self, name: str) -> Iterator[None]:
        """Counts a stream of a person while it is open."""
        self._open[name] += 1
        try:
            yield
        finally:
            self._open[name] -= 1
            self._open += Counter()  # drops what is zero


class ConsoleState:
    """The shared state."""

    def __init__(self) -> None:
        self.streams = OpenStreams()
        self.status: Recent[dict[str, Any]] = Recent(STATUS_EVERY_S)
        self.samples = StatusSamples()
        self.position: Recent[HistoryPosition] = Recent(POSITION_EVERY_S)
        self.importing: set[str] = set()
        """People whose file is being imported."""
        self._lists: int | None = None
        self._counted_at = 0.0

    def counted_lists(self, many: int, every_s: float) -> int | None:
        """The last count of lists if there are `many` and it is recent; None to count again."""
        is_recent = time.monotonic() - self._counted_at < every_s
        return self._lists if is_recent and (self._lists or 0) >= many else None

    def note_lists(self, lists: int | None) -> None:
        """Notes a new count."""
        self._lists, self._counted_at = lists, time.monotonic()
