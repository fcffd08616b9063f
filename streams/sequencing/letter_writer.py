"""Writes dead letters; one that is too large for its topic is cut, so that nothing waits for it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any, Protocol

import structlog

from streams.sequencing.dead_letter import letters_of
from streams.sequencing.start_positions import TopicPartition
from streams.sequencing.validation import RejectedRecord

_log = structlog.get_logger(__name__)

Report = Callable[[int | None], None]


class LetterProducer(Protocol):
    """The method of `streams.kafka.idempotent_producer` that is used here."""

    async def produce(
        self, topic: str, report: Report, *, on_too_large: Callable[[], None], **message: Any
    ) -> None:
        """Sends a record; calls `on_too_large` instead of `report` if it is too large."""
        ...


class LetterWriter:
    """Writes to the topic `dead_letters`; `version` is the sequencer's."""

    def __init__(
        self,
        producer: LetterProducer,
        dead_letters: str,
        version: str,
        stop: Callable[[BaseException], None],
    ) -> None:
        self._producer = producer
        self._dead_letters = dead_letters
        self._version = version
        self._stop = stop
        self._tasks: set[asyncio.Task[None]] = set()

    async def write(self, each: RejectedRecord, tp: TopicPartition, report: Report) -> None:
        """Sends the letter of a rejected record of `tp`; `report` is called as for any record."""
        letters = letters_of(each, tp.topic, tp.partition, self._version)
        await self._produce(next(letters), letters, report)

    async def _produce(
        self, letter: dict[str, Any], smaller: Iterator[dict[str, Any]], report: Report
    ) -> None:
        on_too_large = partial(self._produce_smaller, letter["key"], smaller, report)
        await self._producer.produce(
            self._dead_letters, report, on_too_large=on_too_large, **letter
        )

    def _produce_smaller(
        self, origin: str, smaller: Iterator[dict[str, Any]], report: Report
    ) -> None:
        letter = next(smaller, None)
        if letter is None:
            _log.error("the topic takes not even an empty letter", origin=origin)
            report(0)
            return
        _log.warning("a dead letter is too large for its topic; it is cut", origin=origin)
        self._begin_task(self._produce(letter, smaller, report))

    def _begin_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end_task)

    def _end_task(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:  # unexpected: stop before anything more is acknowledged
            self._stop(error)
