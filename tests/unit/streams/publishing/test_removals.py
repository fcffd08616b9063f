"""Whose lists are to be removed is read from the log, from the records that erased somebody."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import pytest

from streams.kafka import retries
from streams.kafka.topic_facts import Bounds
from streams.publishing.removals import erased_ids_reader
from tests.support.learning_log import a_batch, an_event
from topics.control_records import LogEpochStarted
from topics.learning_log import LogRecord


class ALog:
    """Record `at` erases `listener-at`, but for the first; it counts what is read."""

    def __init__(self, start: int = 0, ends_early: int = 0) -> None:
        self._start, self._ends_early = start, ends_early
        self.is_read, self.goes_on = Event(), Event()
        self.goes_on.set()
        self.read_records = 0
        self.reads: list[tuple[int, int]] = []

    @contextmanager
    def opened(self) -> Iterator["ALog"]:
        yield self

    def bounds(self) -> Bounds:
        return Bounds(self._start, 1_000)

    def decoded(self, first: int, last: int) -> Iterator[tuple[int, LogRecord]]:
        assert first >= self._start
        self.reads.append((first, last))
        is_short, self._ends_early = self._ends_early > 0, self._ends_early - 1
        for at in range(first, last if is_short else last + 1):
            erasure = a_batch(an_event(f"listener-{at}", None, kind="ERASE"), an_event("stays"))
            self.read_records += 1
            self.is_read.set()
            self.goes_on.wait(10)
            yield at, erasure if at else LogEpochStarted(1, "made")


async def erased(log: ALog, *offsets: int) -> set[str]:
    return await erased_ids_reader(log.opened)(offsets)  # type: ignore[arg-type]


async def test_what_lies_close_together_is_read_in_one_go_and_what_lies_apart_is_not() -> None:
    log = ALog()
    assert await erased(log, 0, 2, 700) == {"listener-1", "listener-2", "listener-700"}
    assert log.reads == [(0, 2), (700, 700)]


async def test_what_is_gone_from_the_beginning_of_the_log_is_not_asked_for() -> None:
    log = ALog(start=500)
    assert await erased(log, 3, 700) == {"listener-700"}
    assert log.reads == [(700, 700)]


async def test_a_log_that_ends_early_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "RETRY_S", 0.0)
    log = ALog(ends_early=1)
    assert await erased(log, 7) == {"listener-7"}
    assert log.reads == [(7, 7), (7, 7)]


async def test_who_is_cancelled_while_a_long_log_is_read_leaves_no_thread_that_reads_on() -> None:
    log = ALog()
    log.goes_on.clear()
    reading = asyncio.create_task(erased(log, *range(0, 900, 90)))
    assert await asyncio.to_thread(log.is_read.wait, 10)
    reading.cancel()
    await asyncio.wait({reading})
    log.goes_on.set()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert log.read_records < 5
