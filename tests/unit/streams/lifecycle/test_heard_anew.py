"""A status counts as heard anew only if it was written after somebody began to wait for it."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from streams.addresses import Addresses
from streams.lifecycle import catching_up, overview
from streams.settings import Settings

SLOW_S = 0.5
"""How long a reading of statuses takes."""
HEARD_MS = (300, 800, 0)
"""The age of the status at each reading: the process that stopped is read twice, then the new."""
ADDRESSES = Addresses(kafka="", redis="redis://127.0.0.1:1", mongo="")
UP = {"as_of": 9, "publishing": True}


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Ages that were read so far; each reading of a status takes half a second."""
    now, read = 0.0, list[int]()

    async def read_slowly(*_: Any) -> list[dict[str, Any]]:
        nonlocal now
        now += SLOW_S
        read.append(HEARD_MS[len(read)])
        return [UP | {"heard_ms": read[-1]}]

    async def statuses_of(*_: Any) -> tuple[list[dict[str, Any]], int]:
        return await read_slowly(), 10

    with monkeypatch.context() as patched:
        patched.setattr(overview, "shard_statuses", read_slowly)
        patched.setattr(overview, "_log_end", lambda _: 10)
        patched.setattr(catching_up, "statuses_of", statuses_of)
        patched.setattr(catching_up, "_seconds_behind", lambda *_: 0.0)
        for module in (catching_up, overview):
            patched.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
        yield read


async def test_a_status_from_before_the_wait_is_not_taken_for_a_new_one_read_slowly(
    readings: list[int],
) -> None:
    found = await catching_up.wait_until_caught_up(
        Settings(), ADDRESSES, "second", 1, (1.0, None), lambda *_: None
    )
    assert found["caught_up"]
    assert readings == [300, 800, 0]


async def test_a_gate_asks_again_as_long_as_statuses_are_older_than_its_question(
    readings: list[int],
) -> None:
    await overview.statuses_heard_anew(Settings(), ADDRESSES, "second", 1)
    assert readings == [300, 800, 0]
