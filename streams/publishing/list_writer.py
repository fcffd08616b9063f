"""Writes to Redis, one publication at a time, without blocking the publisher."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from streams.lists.frontier import Frontier
from streams.lists.list_store import ListStore, Publication, PublishOutcome
from streams.redis_client import REDIS_UNAVAILABLE
from streams.redis_refusals import redis_problem

_log = structlog.get_logger(__name__)
PAUSE_FIRST_S = 0.5
PAUSE_MAX_S = 30.0
"""Backoff between attempts if Redis answers but refuses writes (it is full, or a replica)."""

T = TypeVar("T")


class ListWriter:
    """Writes to a store of lists; after an error, only once `read_frontier` was answered again."""

    def __init__(self, lists: ListStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._lists = lists
        self._clock = clock
        self._writing: asyncio.Task[None] | None = None
        self._pause_s = 0.0
        self._try_again_at = 0.0
        self.error: str | None = None
        """Why the store is unavailable; None while it is available."""

    @property
    def is_writing(self) -> bool:
        """Whether a publication is in flight."""
        return self._writing is not None and not self._writing.done()

    def write(
        self,
        publication: Publication,
        expected: Frontier,
        on_outcome: Callable[[PublishOutcome], None],
    ) -> None:
        """Starts to write a publication to a store whose frontier has to be `expected`.

        `on_outcome` is called with the outcome, unless the store is unavailable. Raises
        `RuntimeError` while another publication is in flight (see `wait_until_written`).
        """
        if self.is_writing:
            raise RuntimeError("a publication to Redis is still in flight")
        self._writing = asyncio.create_task(self._write(publication, expected, on_outcome))

    async def _write(
        self,
        publication: Publication,
        expected: Frontier,
        on_outcome: Callable[[PublishOutcome], None],
    ) -> None:
        if self.error is not None:
            return
        try:
            outcome = await self._lists.publish(publication, expected)
        except REDIS_UNAVAILABLE as error:
            self._note_unavailable(error)
            return
        self._pause_s = 0.0
        on_outcome(outcome)

    async def wait_until_written(self) -> None:
        """Waits until the publication in flight has reached the store, or has failed.

        The waiting task may be cancelled, for example when its worker ends. The publication itself
        continues.
        """
        if self._writing is not None:
            await asyncio.shield(self._writing)

    async def read_frontier(self) -> Frontier | None:
        """The store's frontier; None while the store is unavailable, or during the backoff."""
        if self.error is not None and self._clock() < self._try_again_at:
            return None
        try:
            return await self._lists.frontier()
        except REDIS_UNAVAILABLE as error:
            self._note_unavailable(error)
            return None

    @property
    def left_out(self) -> list[str]:
        """See `ListStore.left_out`."""
        return self._lists.left_out

    async def take_free(self) -> list[str]:
        """See `ListStore.take_free`; empty while the store is unavailable."""
        try:
            return await self._lists.take_free()
        except REDIS_UNAVAILABLE as error:
            self._note_unavailable(error)
            return []

    def clear_error(self) -> bool:
        """Notes that the store is available; returns whether it was unavailable until now."""
        was_unavailable, self.error = self.error is not None, None
        return was_unavailable

    async def call_until_answered(
        self, call: Callable[[ListStore], Awaitable[T]], retry_s: float
    ) -> T:
        """Repeats a call to the store until it succeeds; returns the answer."""
        while True:
            try:
                answer = await call(self._lists)
            except REDIS_UNAVAILABLE as error:
                self._note_unavailable(error)
                await asyncio.sleep(retry_s)
            else:
                self.error = None
                return answer

    def _note_unavailable(self, error: BaseException) -> None:
        if self.error is not None:  # it is logged already
            return
        self.error = redis_problem(error)
        self._try_again_at = self._clock() + self._pause_s
        self._pause_s = min(max(2 * self._pause_s, PAUSE_FIRST_S), PAUSE_MAX_S)
        _log.warning(
            "redis is unavailable; learning continues, lists will follow", error=self.error
        )
