"""The listens of people who are new: read from the log's start, beside the live projection.

It ends where the live projection is, and then the people join that. It keeps no position: whoever
is killed meanwhile begins it again, and writes the same.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from streams.listens.listen_history import HistoryChange
from streams.listens.log_run import LogRun

Write = Callable[[Sequence[HistoryChange]], Awaitable[None]]


class Backfill:
    """Runs in a task of its own until it has come to where `live` is."""

    def __init__(self, run: LogRun, live: LogRun, write: Write) -> None:
        self._run = run
        self._live = live
        self._write = write
        self._task = asyncio.create_task(self._catch_up())

    @property
    def people(self) -> frozenset[str]:
        """Who is new."""
        return self._run.people

    @property
    def is_near(self) -> bool:
        """Whether it has come to where the live projection was."""
        return self._task.done()

    async def _catch_up(self) -> None:
        while await self._step():
            pass

    async def _step(self) -> bool:
        changes = await asyncio.to_thread(self._run.step, self._live.offset)
        if changes is None:
            return False
        await self._write(changes)
        return True

    async def finish(self) -> None:
        """Comes to exactly where the live projection is, which waits; raises what failed."""
        await self._task
        await self._catch_up()

    async def stop(self) -> None:
        """Stops it, and closes its reader."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.to_thread(self._run.close)
