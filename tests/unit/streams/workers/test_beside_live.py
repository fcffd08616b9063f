"""A recommender that is far behind waits for its turns, unless its generation serves listeners."""

import os
from dataclasses import dataclass
from typing import Any, cast

import pytest

from streams.kafka.throttle import FAR_BEHIND_RECORDS, RATE_FIRST
from streams.lifecycle.journal import Journal
from streams.workers import priority
from streams.workers.beside_live import PIECE_BYTES, BesideLive
from streams.workers.priority import BACKGROUND, Priority
from tests.support.lifecycle_records import QUIET, STARTED, Book, created, moved, serves
from tests.support.redis_pipeline import Pipeline

FAR = FAR_BEHIND_RECORDS + 100


@dataclass
class Record:
    offset: int
    value: bytes = b"x" * (PIECE_BYTES // 2)


class Paper:
    """A journal in memory: `first` serves, and `second` is quiet."""

    def __init__(self) -> None:
        book = Book(created("first"), moved("first", STARTED), serves("first", -1))
        assert book.append(created("second")) == ""
        assert book.append(moved("second", QUIET)) == ""
        self.lifecycle = book.lifecycle


class Redis:
    """What Redis answers."""

    def __init__(self) -> None:
        self.rate: bytes | None = None
        self.status = b"{}"

    def pipeline(self, *, transaction: bool) -> Pipeline:
        assert not transaction
        return Pipeline(self)

    async def pttl(self, key: str) -> int:
        return 10_000

    async def mget(self, keys: list[str]) -> list[bytes | None]:
        if keys == ["echotune:rate:second"]:
            return [self.rate]
        assert keys == ["echotune:status:recommender:echotune-recommender-first-0of1"]
        return [self.status]


class FakePriority:
    """Notes what is asked of it."""

    is_lowered = False

    def lower(self, *, is_for_good: bool) -> None:
        self.is_lowered = is_for_good

    def restore(self) -> None:
        self.is_lowered = False


class Bench:
    """A throttle of `generation`, with a clock that tests set."""

    def __init__(self, generation: str = "second", credit: int = 0) -> None:
        self.now_s, self.redis = 0.0, Redis()
        self.beside = BesideLive(
            generation,
            cast(Journal, Paper()),
            cast(Any, self.redis),
            priority=cast(Priority, FakePriority()),
            clock=lambda: self.now_s,
            credit=credit,
        )

    async def pieces(self, records: list[Record], log_end: int) -> list[list[int]]:
        found = self.beside.pieces(records, log_end)
        return [[each.offset for each in piece] async for piece in found]


async def test_far_behind_records_come_in_pieces_and_the_thread_is_in_the_background() -> None:
    bench = Bench()
    assert await bench.pieces([Record(at) for at in range(5)], FAR) == [[0, 1], [2, 3], [4]]
    assert bench.beside.status()["background"]
    assert bench.beside.status()["events_per_s_max"] == RATE_FIRST
    assert await bench.pieces([Record(at) for at in range(5)], 5) == [[0, 1, 2, 3, 4]]
    assert not bench.beside.status()["background"]
    assert bench.beside.status()["events_per_s_max"] is None


async def test_who_has_folded_little_is_not_slowed_and_not_in_the_background() -> None:
    bench = Bench(credit=10)
    await bench.pieces([Record(0)], FAR)
    assert not bench.beside.status()["background"]
    bench.beside.folded(11)
    bench.now_s += 1
    await bench.pieces([Record(1)], FAR)
    assert bench.beside.status()["background"]


async def test_whoever_serves_listeners_is_never_slowed() -> None:
    bench = Bench("first")
    assert await bench.pieces([Record(at) for at in range(5)], FAR) == [[0, 1, 2, 3, 4]]
    await bench.beside.look()
    assert not bench.beside.status()["background"]


async def test_a_chunk_without_records_is_folded_as_ever() -> None:
    assert await Bench().pieces([], FAR) == [[]]


async def test_the_next_piece_waits_until_what_was_folded_is_paid_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, slept = Bench(), []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        assert bench.beside.status()["throttled"]
        bench.now_s += seconds

    monkeypatch.setattr("asyncio.sleep", sleep)
    await bench.pieces([Record(0)], FAR)
    bench.beside.folded(int(RATE_FIRST))
    await bench.pieces([Record(1)], FAR)
    assert sum(slept) == pytest.approx(1.0)
    assert not bench.beside.status()["throttled"]


async def test_stale_lists_of_the_stable_generation_halve_the_rate() -> None:
    bench = Bench()
    await bench.pieces([Record(0)], FAR)
    for p99, expected in ((40, RATE_FIRST), (61, RATE_FIRST / 2)):
        bench.now_s += 1
        bench.redis.status = b'{"as_of": 5, "freshness_ms": {"p99": %d.0}}' % p99
        await bench.beside.look()
        assert bench.beside.status()["events_per_s_max"] == expected


@pytest.mark.parametrize(("value", "is_limited"), [(b"70", True), (b"no", False), (None, False)])
async def test_the_limit_of_an_operator_is_read_from_redis(
    value: bytes | None, is_limited: bool
) -> None:
    bench = Bench()
    bench.redis.rate = value
    await bench.beside.look()
    await bench.pieces([Record(0)], FAR)
    found = bench.beside.status()
    assert found["is_limited"] is is_limited
    assert found["events_per_s_max"] == (70 if is_limited else RATE_FIRST)


# -- the priority ----------------------------------------------------------------------------------


@pytest.fixture
def niceness(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The niceness of a thread, in place of this one's."""
    now = {"nice": 0}
    monkeypatch.setattr(os, "getpriority", lambda *_: now["nice"])
    monkeypatch.setattr(os, "setpriority", lambda _, __, nice: now.update(nice=nice))
    return now


@pytest.mark.parametrize("is_for_good", [True, False])
def test_a_priority_is_restored(
    niceness: dict[str, int], monkeypatch: pytest.MonkeyPatch, is_for_good: bool
) -> None:
    monkeypatch.setattr(priority, "can_restore", lambda _: True)
    found = Priority()
    found.lower(is_for_good=is_for_good)
    assert (niceness["nice"], found.is_lowered) == (BACKGROUND, True)
    found.restore()
    assert (niceness["nice"], found.is_lowered) == (0, False)


def test_a_priority_that_cannot_be_restored_is_lowered_only_for_good(
    niceness: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(priority, "can_restore", lambda _: False)
    found = Priority()
    found.lower(is_for_good=False)
    assert (niceness["nice"], found.is_lowered) == (0, False)
    found.lower(is_for_good=True)
    found.restore()
    assert (niceness["nice"], found.is_lowered) == (BACKGROUND, True)
