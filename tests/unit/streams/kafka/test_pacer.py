"""When a worker fetches next: at once while it has little to do, later the more it has."""

import asyncio

import pytest

from streams.kafka.consumer_thread import paced
from streams.kafka.pacer import Pace, Pacer

SHARE = 0.25
REST_MAX_S = 0.02
PACE = Pace(SHARE, REST_MAX_S)


class Machine:
    """A clock and a processor that a test drives."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.used_s = 5.0

    def pacer(self, pace: Pace = PACE) -> Pacer:
        """A pacer that looks at this machine."""
        return Pacer(pace, clock=lambda: self.now_s, used=lambda: self.used_s)

    def work(self, used_s: float, idle_s: float = 0.0) -> None:
        """Works for `used_s`, then is idle."""
        self.used_s += used_s
        self.now_s += used_s + idle_s


@pytest.fixture
def machine() -> Machine:
    """A machine at any time."""
    return Machine()


def test_the_first_fetch_goes_out_at_once(machine: Machine) -> None:
    assert machine.pacer().wait_s == 0


def test_who_uses_less_than_its_share_never_waits(machine: Machine) -> None:
    pacer = machine.pacer()
    for _ in range(5):
        machine.work(0.002, idle_s=0.008)
        pacer.fetched()
        assert pacer.wait_s == 0


def test_who_uses_more_than_its_share_waits_until_it_is_no_more_than_that(
    machine: Machine,
) -> None:
    pacer = machine.pacer()
    began_s, used_s = machine.now_s, machine.used_s
    for _ in range(1_000):
        machine.work(0.002, idle_s=max(0.0, pacer.wait_s - 0.002))
        pacer.fetched()
    share = (machine.used_s - used_s) / (machine.now_s - began_s)
    assert share == pytest.approx(SHARE, abs=0.01)


def test_nobody_waits_longer_than_allowed_however_much_there_is_to_do(machine: Machine) -> None:
    pacer = machine.pacer()
    for _ in range(10):
        machine.work(1.0)
        pacer.fetched()
        assert pacer.wait_s <= REST_MAX_S + 1e-9


def test_what_was_done_long_ago_is_forgotten(machine: Machine) -> None:
    pacer = machine.pacer()
    machine.work(1.0)
    pacer.fetched()
    assert pacer.wait_s > 0
    machine.work(0.001, idle_s=10.0)
    pacer.fetched()
    assert pacer.wait_s == 0


@pytest.mark.parametrize("pace", [Pace(), Pace(SHARE, 0.0)], ids=["no share", "no rest"])
def test_without_a_pace_nobody_waits(machine: Machine, pace: Pace) -> None:
    pacer = machine.pacer(pace)
    machine.work(1.0)
    pacer.fetched()
    assert pacer.wait_s == 0


def test_a_fetch_that_brought_nothing_makes_no_one_wait(machine: Machine) -> None:
    pacer = machine.pacer()
    machine.work(1.0)
    assert asyncio.run(paced(_fetch(has_come=False), pacer)()) is False
    assert pacer.wait_s == 0
    assert asyncio.run(paced(_fetch(has_come=True), pacer)()) is True
    assert pacer.wait_s > 0


def test_a_fetch_cancelled_while_it_waits_says_that_nothing_came(machine: Machine) -> None:
    pacer = machine.pacer()
    machine.work(1.0)
    pacer.fetched()

    async def cancelled() -> bool:
        fetch = asyncio.create_task(paced(_fetch(has_come=True), pacer)())
        await asyncio.sleep(0)
        fetch.cancel()
        return await fetch

    assert asyncio.run(cancelled()) is False


def _fetch(*, has_come: bool):  # type: ignore[no-untyped-def]
    async def fetch() -> bool:
        return has_come

    return fetch
