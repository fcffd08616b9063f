"""Follows the learning-log, and keeps the listen history of all people up to date.

Of all services that run, one at a time does this: it holds a lease in Redis. Two that do it at
once, because a lease ended while its holder was frozen, write the same documents.
"""

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice

import structlog
from redis.asyncio import Redis

from streams.folding.row_verdicts import RowVerdicts
from streams.kafka.log_reader import LogReader
from streams.listens.history_changes import changes_of
from streams.listens.listen_history import (
    NOTHING,
    HistoryChange,
    HistoryPosition,
    ListenHistory,
)
from streams.redis_client import REDIS_UNAVAILABLE
from streams.redis_lease import RedisLease
from topics.errors import EchoTuneError
from topics.learning_log import LogRecord

_log = structlog.get_logger(__name__)
IDLE_S = 0.05
CHANGES_A_WRITE_MAX = 2_000
RECORDS_A_STEP_MAX = 200
_RETRY_S = 1.0

ReadPeople = Callable[[], frozenset[str]]
"""Returns the names of all people."""


class ListenProjector:
    """Projects the log of `kafka` into `history`."""

    def __init__(
        self,
        kafka: str,
        history: ListenHistory,
        redis: Redis,
        people: ReadPeople,
        *,
        duplicate_window: int,
        prefix: str = "",
    ) -> None:
        self._kafka = kafka
        self._history = history
        self._lease = RedisLease(redis, "listens", prefix)
        self._people = people
        self._window = duplicate_window
        self._said = ""

    async def run(self) -> None:
        """Follows the log until it is cancelled; servers that are away are waited for."""
        while True:
            try:
                await self._history.prepare()
                await self._follow()
            except (EchoTuneError, OSError, *REDIS_UNAVAILABLE) as error:
                if self._said != str(error):
                    self._said = str(error)
                    _log.warning("listens are not projected; trying again", error=self._said)
            await asyncio.sleep(_RETRY_S)

    async def _follow(self) -> None:
        """Begins at the log's start, since that alone says which rows count."""
        while not await self._lease.holds():
            await asyncio.sleep(_RETRY_S)
        written, people = await self._history.position(), self._people()
        reader = await asyncio.to_thread(LogReader, self._kafka)
        try:
            log = await asyncio.to_thread(reader.topic_id)
            run = _Run(reader, RowVerdicts(self._window), people, written, log)
            while await self._lease.holds() and self._people() <= people:
                changes = await asyncio.to_thread(run.step)
                if changes is None:
                    await asyncio.sleep(IDLE_S)
                    continue
                if run.is_ahead:
                    await self._history.write(changes, run.position)
                    self._said = ""
        finally:
            reader.__exit__()

    async def release(self) -> None:
        """Gives the lease up, so that another service goes on at once."""
        await self._lease.release()


class _Run:
    """One pass over the log, from its start on."""

    def __init__(
        self,
        reader: LogReader,
        verdicts: RowVerdicts,
        people: frozenset[str],
        written: HistoryPosition,
        log: str,
    ) -> None:
        self._reader = reader
        self._verdicts = verdicts
        self._people = people
        self._written = written if written.log == log else NOTHING
        self._log = log
        self._offset = -1

    @property
    def position(self) -> HistoryPosition:
        """What the history has once the changes so far are written."""
        return HistoryPosition(self._log, self._offset, self._people)

    @property
    def is_ahead(self) -> bool:
        """Whether the history lacks something that was read."""
        return self._offset > self._written.offset or not (self._people <= self._written.people)

    def step(self) -> list[HistoryChange] | None:
        """Changes of the next records that are not written yet; None at the log's end."""
        start, end = self._reader.bounds()
        first = max(self._offset + 1, start)
        if first >= end:
            return None
        changes: list[HistoryChange] = []
        before = self._offset
        records = self._reader.decoded(first, end - 1)
        for offset, record in islice(records, RECORDS_A_STEP_MAX):
            changes += self._changes(offset, record)
            if len(changes) >= CHANGES_A_WRITE_MAX:
                break
        return changes if self._offset > before else None  # the end may hold no record

    def _changes(self, offset: int, record: LogRecord) -> Iterator[HistoryChange]:
        judged = self._verdicts.note(offset, record)
        self._offset = offset
        if judged is None:
            return iter(())
        new = self._people - self._written.people
        wanted = self._people if offset > self._written.offset else new
        return iter(changes_of(judged, wanted))
