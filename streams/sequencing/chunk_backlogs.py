"""Timers and tasks of held partitions: each backlog is drained as soon as its reason has ended.

`held_partitions` decides which partitions are held and when they resume. Every method runs on the
event loop of the worker.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Protocol

import structlog

from streams.sequencing.held_partitions import HeldPartitions, Hold
from streams.sequencing.start_positions import TopicPartition

_log = structlog.get_logger(__name__)
RESUME_S_MIN = 0.001
"""Minimum delay of a timer, because a timer may fire up to this many seconds too early."""


class PartitionHolder(Protocol):
    """A consumer that can pause single partitions."""

    def pause(self, tp: TopicPartition) -> None:
        """Stops fetching this partition."""
        ...

    def resume(self, tp: TopicPartition) -> None:
        """Fetches this partition again."""
        ...


class ChunkBacklogs:
    """Keeps the chunks of held partitions, and has them processed in order afterwards."""

    def __init__(
        self,
        process: Callable[[Any], Awaitable[None]],
        fetch_schemas: Callable[[Iterable[Any]], Awaitable[None]],
        stop: Callable[[BaseException], None],
        clock: Callable[[], float],
    ) -> None:
        self._process = process
        self._fetch_schemas = fetch_schemas
        self._stop = stop
        self._clock = clock
        self._consumer: PartitionHolder | None = None
        self._held = HeldPartitions()
        self._timers: dict[TopicPartition, asyncio.TimerHandle] = {}
        self._fetching: dict[TopicPartition, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, consumer: PartitionHolder) -> None:
        """Begins an assignment; `consumer` is the one that pauses and resumes its partitions."""
        self._consumer = consumer

    def end(self) -> None:
        """Ends an assignment: its chunks are dropped, and all its holds end."""
        for waiting in (self._timers, self._fetching):
            for each in waiting.values():
                each.cancel()
            waiting.clear()
        for tp in self._held.end_all():
            self._resume(tp)

    def add(self, message: Any) -> bool:
        """Keeps a chunk of a held partition; False if the chunk can be processed immediately."""
        return self._held.add(message.tp, message)

    def pause_left_s(self, tp: TopicPartition) -> float:
        """Seconds for which a partition's circuit breaker still pauses it."""
        return self._held.pause_left_s(tp, self._clock())

    def note(self, tp: TopicPartition, records: int, bad: int) -> None:
        """Counts a processed chunk; too many malformed records pause the partition."""
        hold = self._held.note(tp, self._clock(), records, bad)
        if hold is None or self._consumer is None:
            return
        pause_s = self.pause_left_s(tp)
        _log.error("too many bad records; the partition pauses", tp=str(tp), pause_s=pause_s)
        self._consumer.pause(tp)
        self._resume_after(pause_s, hold)

    def fetch_first(self, message: Any) -> None:
        """Holds the partition of a chunk until its schemas are fetched; there is no time limit."""
        assert self._consumer is not None
        self._consumer.pause(message.tp)
        hold = self._held.wait_for_schema(message.tp, message)
        self._fetching[hold.tp] = self._begin_task(self._fetch(hold, message))

    async def _fetch(self, hold: Hold, message: Any) -> None:
        try:
            await self._fetch_schemas(message.value)
        except Exception as error:  # unexpected: stop before anything more is acknowledged
            self._stop(error)
            return
        del self._fetching[hold.tp]
        hold.needs_schema = False
        await self._drain(hold)

    def _resume_after(self, pause_s: float, hold: Hold) -> None:
        """Drains after a pause. One timer per partition: two tasks could reorder its backlog."""
        self._cancel_timer(hold.tp)
        self._timers[hold.tp] = asyncio.get_running_loop().call_later(
            max(pause_s, RESUME_S_MIN), lambda: self._begin_task(self._drain(hold))
        )

    def _cancel_timer(self, tp: TopicPartition) -> None:
        timer = self._timers.pop(tp, None)
        if timer is not None:
            timer.cancel()

    def _begin_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _drain(self, hold: Hold) -> None:
        """Processes the backlog until it is empty or held again; then resumes the partition."""
        self._cancel_timer(hold.tp)
        try:
            while (message := self._held.next_chunk(hold, self._clock())) is not None:
                await self._process(message)
            pause_s = self._held.resumes_in_s(hold, self._clock())
            if pause_s is not None:
                self._resume_after(pause_s, hold)
            elif not self._held.is_held(hold.tp):
                self._resume(hold.tp)
        except Exception as error:  # unexpected: stop before anything more is acknowledged
            self._stop(error)

    def _resume(self, tp: TopicPartition) -> None:
        if self._consumer is not None:
            self._consumer.resume(tp)
