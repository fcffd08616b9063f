"""Writes dead letters; one that is too large for its topic is cut, so that nothing waits for it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

import structlog

from streams.sequencing.letter_format import fits, letters_of
from streams.sequencing.start_positions import TopicPartition
from streams.sequencing.validation import RejectedRecord

_log = structlog.get_logger(__name__)
_TRIES = 3
"""How often the smallest letter is sent before it is left out."""
_TIGHT_BYTES = 64 * 1024
"""Below this limit letters are sent one by one, because a batch of several would be too large."""

Report = Callable[[int | None], None]
Letter = dict[str, Any]
BytesMax = Callable[[], Awaitable[int | None]]
"""Returns the limit of the topic of dead letters; None if it is unknown."""


async def unknown_limit() -> None:
    """No limit is known."""


class LetterProducer(Protocol):
    """The method of `streams.kafka.idempotent_producer` that is used here."""

    async def produce(
        self, topic: str, report: Report, *, on_too_large: Callable[[], None], **message: Any
    ) -> None:
        """Sends a record; calls `on_too_large` instead of `report` if it is too large."""
        ...


class _RefusedError(Exception):
    """The topic does not take a letter of this size."""


class LetterWriter:
    """Writes to the topic `dead_letters`; `version` is the sequencer's."""

    def __init__(
        self,
        producer: LetterProducer,
        dead_letters: str,
        version: str,
        stop: Callable[[BaseException], None],
        bytes_max: BytesMax = unknown_limit,
    ) -> None:
        self._producer = producer
        self._dead_letters = dead_letters
        self._version = version
        self._stop = stop
        self._bytes_max = bytes_max
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def write(self, each: RejectedRecord, tp: TopicPartition, report: Report) -> None:
        """Sends the letter of a rejected record of `tp`; `report` is called as for any record."""
        most = await self._bytes_max()
        letters = letters_of(each, tp.topic, tp.partition, self._version)
        fitting = (letter for letter in letters if most is None or fits(letter, most))
        if most is not None and most < _TIGHT_BYTES:
            self._begin_task(self._write_smaller([*fitting], report))
            return
        first = next(fitting)  # a letter without its value is smaller than the tight limit

        def cut() -> None:
            self._begin_task(self._write_smaller([*fitting], report))

        await self._producer.produce(self._dead_letters, report, on_too_large=cut, **first)

    async def _write_smaller(self, letters: list[Letter], report: Report) -> None:
        """Sends ever smaller letters, each alone: a batch of several may be too large, too."""
        async with self._one_at_a_time:
            for letter in [*letters, *letters[-1:] * _TRIES]:
                try:
                    written = await self._write_and_wait(letter)
                except _RefusedError:
                    continue
                if ("cut", b"true") in letter["headers"]:
                    _log.warning("a dead letter was too large; it is cut", origin=letter["key"])
                report(written)
                return
        _log.error(
            "the topic takes no dead letter of this size; one is left out. Raise its "
            "max.message.bytes: `echotune topics apply`",
            topic=self._dead_letters,
        )
        report(0)

    async def _write_and_wait(self, letter: Letter) -> int | None:
        written: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

        def report(offset: int | None) -> None:
            if not written.done():
                written.set_result(offset)

        def refuse() -> None:
            if not written.done():
                written.set_exception(_RefusedError())

        await self._producer.produce(self._dead_letters, report, on_too_large=refuse, **letter)
        return await written

    def _begin_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end_task)

    def _end_task(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:  # unexpected: stop before anything more is acknowledged
            self._stop(error)
