"""Timers and tasks of held partitions: each is worked off once what it waits for is there.

What is held and when it goes on is decided in `held_partitions`. Every method runs on the event
loop of the worker.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Protocol

import structlog

from streams.sequencing.held_partitions import HeldPartitions, Hold
from streams.sequencing.start_positions import TopicPartition

_log = structlog.get_logger(__name__)
RESUME_S_MIN = 0.001
"""Timers may fire so much too early."""


class PartitionHolder(Protocol):
    """A consumer that leaves partitions out of its fetches."""

    def hold(self, tp: TopicPartition) -> None:
        """Fetches nothing of this partition any more."""
        ...

    def release(self, tp: TopicPartition) -> None:
        """Fetches it again."""
        ...


class ChunkBacklogs:
    """Keeps chunks of held partitions, and has them processed in order once these go on."""

    def __init__(
        self,
        process: Callable[[Any], Awaitable[None]],
        fetch_schemas: Callable[[Iterable[bytes | None]], Awaitable[None]],
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
        """Begins an assignment of `consumer`."""
        self._consumer = consumer

    def end(self) -> None:
        """Ends an assignment: its chunks are dropped, nothing of it is held any more."""
        for waiting in (self._timers, self._fetching):
            for each in waiting.values():
                each.cancel()
            waiting.clear()
        for tp in self._held.end_all():
            self._release(tp)

    def add(self, message: Any) -> bool:
        """Keeps a chunk whose partition is held; False: it may be processed at once."""
        return self._held.add(message.tp, message)

    def pause_left_s(self, tp: TopicPartition) -> float:
        """For how much longer a partition's circuit breaker pauses it."""
        return self._held.pause_left_s(tp, self._clock())

    def note(self, tp: TopicPartition, records: int, bad: int) -> None:
        """Notes a chunk that went through; too many bad records pause the partition."""
        hold = self._held.note(tp, self._clock(), records, bad)
        if hold is None or self._consumer is None:
            return
        pause_s = self.pause_left_s(tp)
        _log.error("too many bad records; the partition pauses", tp=str(tp), pause_s=pause_s)
        self._consumer.hold(tp)
        self._resume_after(pause_s, hold)

    def fetch_first(self, message: Any) -> None:
        """Holds the partition of a chunk until its schemas are fetched, however long it takes."""
        assert self._consumer is not None
        self._consumer.hold(message.tp)
        hold = self._held.wait_for_schema(message.tp, message)
        self._fetching[hold.tp] = self._begin_task(self._fetch(hold, message))

    async def _fetch(self, hold: Hold, message: Any) -> None:
        try:
            await self._fetch_schemas([record.value for record in message.value])
        except Exception as error:  # not understood: stop before anything more is acknowledged
            self._stop(error)
            return
        del self._fetching[hold.tp]
        hold.needs_schema = False
        await self._work_off(hold)

    def _resume_after(self, pause_s: float, hold: Hold) -> None:
        """One timer a partition: two who work off one backlog would overtake each other."""
        self._forget_timer(hold.tp)
        self._timers[hold.tp] = asyncio.get_running_loop().call_later(
            max(pause_s, RESUME_S_MIN), lambda: self._begin_task(self._work_off(hold))
        )

    def _forget_timer(self, tp: TopicPartition) -> None:
        timer = self._timers.pop(tp, None)
        if timer is not None:
            timer.cancel()

    def _begin_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _work_off(self, hold: Hold) -> None:
        """Takes the chunks that came before the partition was held, then fetches it again."""
        self._forget_timer(hold.tp)
        try:
            while (message := self._held.next_chunk(hold, self._clock())) is not None:
                await self._process(message)
            pause_s = self._held.resumes_in_s(hold, self._clock())
            if pause_s is not None:
                self._resume_after(pause_s, hold)
            elif not self._held.is_held(hold.tp):
                self._release(hold.tp)
        except Exception as error:  # not understood: stop before anything more is acknowledged
            self._stop(error)

    def _release(self, tp: TopicPartition) -> None:
        if self._consumer is not None:
            self._consumer.release(tp)
