"""How a publisher writes to Redis: one publication at a time, while everything else goes on."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from streams.lists.frontier import Frontier
from streams.lists.list_store import ListStore, Publication, PublishOutcome
from streams.redis_client import REDIS_AWAY

_log = structlog.get_logger(__name__)
PAUSE_FIRST_S = 0.5
PAUSE_MAX_S = 30.0
"""Pauses between attempts with a Redis that answers and takes nothing (full, or a replica)."""

T = TypeVar("T")


class ListWriter:
    """Writes to a table of lists; one that is away is left alone until `look` finds it back."""

    def __init__(self, lists: ListStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._lists = lists
        self._clock = clock
        self._writing: asyncio.Task[None] | None = None
        self._pause_s = 0.0
        self._try_again_at = 0.0
        self.error: str | None = None
        """Why nothing is written, while it is away."""

    @property
    def is_writing(self) -> bool:
        """Whether a publication is under way."""
        return self._writing is not None and not self._writing.done()

    def write(
        self, publication: Publication, since: Frontier, then: Callable[[PublishOutcome], None]
    ) -> None:
        """Begins to write behind the frontier `since`; calls `then` with the outcome, if any.

        One at a time: raises `RuntimeError` unless what was written before has `settled`.
        """
        if self.is_writing:
            raise RuntimeError("a publication is still on its way to Redis")
        self._writing = asyncio.create_task(self._write(publication, since, then))

    async def _write(
        self, publication: Publication, since: Frontier, then: Callable[[PublishOutcome], None]
    ) -> None:
        if self.error is not None:
            return
        try:
            outcome = await self._lists.publish(publication, since)
        except REDIS_AWAY as error:
            self._is_away(error)
            return
        self._pause_s = 0.0
        then(outcome)

    async def settled(self) -> None:
        """Waits until the publication under way has reached the table, or has failed to.

        Who waits may be cancelled, as an agent is when its worker ends: the publication is not.
        """
        if self._writing is not None:
            await asyncio.shield(self._writing)

    async def look(self) -> Frontier | None:
        """The table's frontier; None while it is away, or was a moment ago."""
        if self.error is not None and self._clock() < self._try_again_at:
            return None
        try:
            return await self._lists.frontier()
        except REDIS_AWAY as error:
            self._is_away(error)
            return None

    def is_back(self) -> bool:
        """Whether the table was away and answered again: then what it lacks is published."""
        was_away, self.error = self.error is not None, None
        return was_away

    async def asked(self, ask: Callable[[ListStore], Awaitable[T]], retry_s: float) -> T:
        """What the table answers, however long it takes until it does."""
        while True:
            try:
                answer = await ask(self._lists)
            except REDIS_AWAY as error:
                self._is_away(error)
                await asyncio.sleep(retry_s)
            else:
                self.error = None
                return answer

    def _is_away(self, error: BaseException) -> None:
        if self.error is not None:  # it was said
            return
        self.error = f"{type(error).__name__}: {error}"
        self._try_again_at = self._clock() + self._pause_s
        self._pause_s = min(max(2 * self._pause_s, PAUSE_FIRST_S), PAUSE_MAX_S)
        _log.warning("redis is away; learning goes on, lists follow", error=self.error)
