"""The keeper takes the autopilot's steps, and does nothing that it has no reason for."""

from pathlib import Path
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisAway

from streams.addresses import Addresses
from streams.kafka.log_reader import LogReader
from streams.kafka.topic_facts import Bounds
from streams.lifecycle.journal import Appended, Journal
from streams.lifecycle.lifecycle import Lifecycle
from streams.settings import Settings
from streams.workers import keeper as module
from streams.workers.keeper import Keeper
from tests.support.lifecycle_records import (
    LOG_END,
    STARTED,
    Book,
    a_status,
    armed,
    compared,
    created,
    moved,
    serves,
)
from topics.lifecycle import ServingChanged


class Comparisons:
    """Those that were begun; each runs until it is ended."""

    def __init__(self, _: Path) -> None:
        self.begun: list[tuple[str, str]] = []
        self.runs = False

    def begin(self, a: str, b: str) -> None:
        self.begun.append((a, b))
        self.runs = True


class Desk:
    """A keeper among a journal, a Redis and a log that are not real."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.book = Book(*[created("first"), moved("first", STARTED), serves("first", -1)])
        self.append(created("second"), moved("second", STARTED))
        self.statuses: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[str] = []
        self.said: list[str] = []
        self.now, self.is_away, self.pointers = 0.0, False, 0
        monkeypatch.setattr(module, "shard_statuses", self._status)
        monkeypatch.setattr(module, "set_pointer", self._set_pointer)
        monkeypatch.setattr(module, "_Comparison", Comparisons)
        journal = cast(Journal, self)
        addresses = Addresses("kafka:9092", "redis://redis:6379/0", "")
        self.keeper = Keeper(Settings(), addresses, journal, self.said.append, lambda: self.now)
        self.comparisons = cast(Comparisons, self.keeper._comparison)

    async def _status(self, _: Settings, __: Redis, name: str, shards: int) -> list[dict[str, Any]]:
        if self.is_away:
            raise RedisAway("away")
        self.asked.append(name)
        return self.statuses.get(name, [a_status()] * shards)

    async def _set_pointer(self, *_: object) -> bool:
        self.pointers += 1
        return True

    def read(self) -> Lifecycle:
        return self.book.lifecycle

    def bounds(self) -> Bounds:
        return Bounds(0, LOG_END)

    def append(self, *records: Any) -> Appended:
        """As `Journal.append` does, or records one after another."""
        for each in records:
            self.book.append(each(self.book.lifecycle) if callable(each) else each)
        return Appended(self.book.lifecycle.history[-1], None)

    async def look(self, seconds: int = 1) -> None:
        for _ in range(seconds):
            await self.keeper._look_or_wait(cast(Redis, None), cast(LogReader, self))
            self.now += 1.0

    @property
    def stable(self) -> str:
        return self.book.lifecycle.plan.stable


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


async def test_nobody_is_looked_at_while_nothing_is_armed(desk: Desk) -> None:
    await desk.look(3)
    assert (desk.asked, desk.said) == ([], [])


async def test_a_step_is_written_to_the_journal_as_the_keepers_own_and_the_pointer_follows(
    desk: Desk,
) -> None:
    desk.append(armed("second"), compared("second", "first"))
    await desk.look()
    record = desk.book.lifecycle.history[-1].record
    assert isinstance(record, ServingChanged)
    assert (record.stable, record.who, record.automatic) == ("second", "keeper", True)
    assert desk.pointers == 1
    await desk.look(5)
    assert desk.book.lifecycle.history[-1].record is record
    assert "autopilot of second: second is promoted" in desk.said


async def test_one_comparison_runs_at_a_time_and_the_next_one_waits_for_the_pause(
    desk: Desk,
) -> None:
    desk.append(armed("second", 100, dwell_s=30))
    await desk.look(40)
    assert desk.comparisons.begun == [("second", "first")]  # it still runs
    desk.comparisons.runs = False  # it failed: the journal has no answer
    await desk.look()
    assert len(desk.comparisons.begun) == 2
    desk.comparisons.runs = False
    await desk.look(29)
    assert len(desk.comparisons.begun) == 2


async def test_a_plan_that_somebody_changed_after_the_keeper_looked_stays(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = module.next_step

    def slowly(view: Any, name: str) -> Any:
        step = decide(view, name)
        desk.append(serves("first", 2, canary="second", share=9))
        return step

    desk.append(armed("second"), compared("second", "first"))
    monkeypatch.setattr(module, "next_step", slowly)
    await desk.look()
    assert (desk.stable, desk.book.lifecycle.plan.share) == ("first", 9)
    assert desk.said[-1] == "the autopilot changed nothing: the plan was changed in the meantime"
    assert desk.pointers == 0


async def test_what_was_seen_before_an_outage_counts_no_more_after_it(desk: Desk) -> None:
    desk.append(armed("second"), compared("second", "first"))
    await desk.look()
    desk.statuses["second"] = [{}]
    await desk.look(15)
    desk.is_away = True
    await desk.look(60)
    assert len([each for each in desk.said if "waits" in each]) == 1
    desk.is_away = False
    await desk.look(15)
    assert desk.stable == "second"  # it was not seen dead for long enough, either time
    await desk.look(10)
    assert desk.stable == "first"


async def test_who_was_rolled_back_is_not_promoted_again(desk: Desk) -> None:
    desk.append(armed("second"), compared("second", "first"))
    await desk.look()
    desk.statuses["second"] = [{}]
    await desk.look(30)
    assert desk.stable == "first"
    del desk.statuses["second"]
    await desk.look(1_000)
    assert desk.stable == "first"
