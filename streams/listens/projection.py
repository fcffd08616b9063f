"""One projection of the log into the listen history, from the kept position on.

The position moves after what was written, and everything written is the same document when it is
written again. So a process that is killed anywhere loses no listen, and doubles none.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

from streams.folding.row_verdicts import RowVerdicts
from streams.kafka.log_reader import ReadLog
from streams.listens.backfill import Backfill
from streams.listens.departures import Departures
from streams.listens.kept_verdicts import KeptVerdicts, TakenVerdicts
from streams.listens.listen_history import Erased, HistoryChange, HistoryPosition, ListenHistory
from streams.listens.log_run import LogRun

KEPT_EVERY_S = 300.0
KEPT_EVERY_ROWS = 250_000
"""Verdicts are kept after so many rows, too, which are judged again in a second or two."""
PEOPLE_EVERY_S = 1.0


class ProjectionStores(NamedTuple):
    """What a projection reads and writes."""

    open_log: ReadLog
    history: ListenHistory
    kept: KeptVerdicts
    departures: Departures
    people: Callable[[], frozenset[str]]
    """Returns the names of all people."""
    forget: Callable[[str, int], Awaitable[None]]
    """Forgets what else there was of a person at a time (ms)."""
    duplicate_window: int


class Projection:
    """Follows the log with `live`; `written` is the position in the history."""

    def __init__(self, stores: ProjectionStores, live: LogRun, written: HistoryPosition) -> None:
        self._stores = stores
        self._live = live
        self._written = written
        self._backfill: Backfill | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._kept_at = time.monotonic() if live.offset >= 0 else float("-inf")
        self._kept_rows = 0
        self._people_at = float("-inf")
        self._missing: frozenset[str] = frozenset()
        """Who was not among the people at the last look: this process may merely know it late."""

    @property
    def _is_behind(self) -> bool:
        """Whether it still judges records whose changes are written."""
        return self._live.offset < self._written.offset

    async def step(self) -> bool:
        """Goes on by some records; False if it came to the end of the log."""
        if not self._is_behind:
            await self._look_at_people()
        until = self._written.offset if self._is_behind else None
        is_written = self._is_behind
        changes = await asyncio.to_thread(self._live.step, until)
        if changes is not None and not is_written:
            await self._write(changes)
            await self._move(self._live.people)
        await self._keep_verdicts()
        if self._backfill is not None and self._backfill.is_near:
            await self._join(self._backfill)
        return changes is not None and not self._live.is_at_end

    async def _write(self, changes: Sequence[HistoryChange]) -> None:
        await self._stores.history.write(changes)
        for each in changes:
            if isinstance(each, Erased):
                await self._stores.forget(each.listener_id, each.recorded_at)

    async def _move(self, people: frozenset[str]) -> None:
        """The history has these people up to where the projection is."""
        offset = max(self._live.offset, self._written.offset)
        position = HistoryPosition(self._written.log, offset, people)
        await self._stores.history.move(position)
        self._live.people, self._written = people, position

    async def _keep_verdicts(self) -> None:
        rows, now = self._live.rows - self._kept_rows, time.monotonic()
        if rows == 0 or (rows < KEPT_EVERY_ROWS and now - self._kept_at < KEPT_EVERY_S):
            return
        if self._keeping is not None:
            if not self._keeping.done():
                return
            await self._keeping  # raises what failed
        live = self._live
        taken = await asyncio.to_thread(TakenVerdicts.of, live.verdicts, live.offset)
        self._keeping = asyncio.create_task(self._stores.kept.keep(taken, self._written.log))
        self._kept_at, self._kept_rows = now, live.rows

    # -- people --------------------------------------------------------------------------------

    async def _look_at_people(self) -> None:
        if time.monotonic() - self._people_at < PEOPLE_EVERY_S:
            return
        for name, at_ms in (await self._stores.departures.all()).items():
            await self._let_go([name], at_ms)
            await self._stores.departures.done(name, at_ms)
        names, now_ms = self._stores.people(), time.time_ns() // 1_000_000
        known = self._live.people | (self._backfill.people if self._backfill else frozenset())
        missing = known - names
        if gone := missing & self._missing:
            await self._let_go(sorted(gone), now_ms)
        self._missing = missing - gone
        if self._people_at < 0:
            await self._forget_strangers()
        if self._backfill is None and (new := names - self._live.people):
            await self._begin_backfill(new)
        self._people_at = time.monotonic()

    async def _forget_strangers(self) -> None:
        """An old projection, or a backfill that was killed, may have left what nobody owns."""
        for each in await self._stores.history.strangers(self._live.people):
            await self._stores.history.forget(each)

    async def _let_go(self, names: Iterable[str], at_ms: int) -> None:
        """Forgets people who were removed by `at_ms`; their place goes first."""
        await self._stop_backfill()
        await self._move(self._live.people.difference(names))
        for each in names:
            await self._stores.history.forget(each)
            await self._stores.forget(each, at_ms)

    async def _begin_backfill(self, new: frozenset[str]) -> None:
        reader = await asyncio.to_thread(self._stores.open_log)
        run = LogRun(reader, RowVerdicts(self._stores.duplicate_window), new, -1)
        self._backfill = Backfill(run, self._live, self._write)

    async def _join(self, backfill: Backfill) -> None:
        """From here on, who was new is as everybody else."""
        if not self._is_behind:
            await backfill.finish()
            await self._move(self._live.people | backfill.people)
            await self._stop_backfill()

    async def _stop_backfill(self) -> None:
        if self._backfill is not None:
            backfill, self._backfill = self._backfill, None
            await backfill.stop()

    async def close(self) -> None:
        """Closes the readers."""
        await self._stop_backfill()
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        await asyncio.to_thread(self._live.close)
