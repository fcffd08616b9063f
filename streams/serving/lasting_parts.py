"""What runs beside the requests of the service, for as long as it does."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from topics.errors import ServerError

_log = structlog.get_logger(__name__)
STOP_EVERY_S, STOP_TRIES = 2.0, 5
"""How long a part may take to end before it is cancelled again, and how often it is."""


class LastingParts:
    """Tasks that last as long as the service: one that fails ends it, so that it begins anew.

    Without that, a service would go on with people, listens or relays of long ago.
    """

    def __init__(self, end: Callable[[], object]) -> None:
        self._end = end
        self._tasks: list[asyncio.Task[None]] = []
        self._failure: BaseException | None = None

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Starts a part."""
        task = asyncio.create_task(self._lasting(work))
        task.add_done_callback(lambda _: work.close())  # it may be cancelled before it has begun
        self._tasks.append(task)

    async def _lasting(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            self._failure = error
            _log.error("a part of the service failed; it ends", exc_info=error)
            self._end()

    async def stop(self) -> None:
        """Cancels all parts, and waits for their end.

        A cancellation is repeated, because one may get lost: before Python 3.12,
        `asyncio.wait_for`, in which the client of Redis waits, ignores one that comes just when
        its work is done.
        """
        left = {task for task in self._tasks if not task.done()}
        for _ in range(STOP_TRIES):
            for task in left:
                task.cancel()
            if left:
                _, left = await asyncio.wait(left, timeout=STOP_EVERY_S)
        if left:
            _log.error("parts of the service do not end", of=len(left))

    def check(self) -> None:
        """Raises `ServerError` if a part has failed."""
        if self._failure is not None:
            raise ServerError(
                f"A part of the HTTP service failed: {self._failure}.",
                "Its log says more. It is safe to start it again.",
            )
