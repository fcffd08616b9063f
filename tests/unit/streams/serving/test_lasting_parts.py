"""A part of the service that fails ends the service, which would go on with what was long ago."""

import asyncio
import inspect
from contextlib import suppress

import pytest

from streams.serving import lasting_parts
from streams.serving.lasting_parts import LastingParts
from topics.errors import ServerError


async def test_a_part_that_fails_ends_the_service_and_is_named() -> None:
    ended = asyncio.Event()
    parts = LastingParts(ended.set)

    async def fails() -> None:
        raise ValueError("not as expected")

    parts.begin(asyncio.sleep(3_600))
    parts.begin(fails())
    await ended.wait()
    await parts.stop()
    with pytest.raises(ServerError, match="not as expected"):
        parts.check()


async def test_parts_that_are_stopped_have_not_failed() -> None:
    ended = asyncio.Event()
    parts = LastingParts(ended.set)
    parts.begin(asyncio.sleep(3_600))
    await asyncio.sleep(0)
    await parts.stop()
    parts.check()
    assert not ended.is_set()


async def test_parts_that_are_stopped_before_they_have_begun_are_closed() -> None:
    parts, work = LastingParts(lambda: None), asyncio.sleep(3_600)
    parts.begin(work)
    await parts.stop()
    assert inspect.getcoroutinestate(work) == inspect.CORO_CLOSED
    parts.check()


async def test_a_part_in_which_a_cancellation_gets_lost_ends_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lasting_parts, "STOP_EVERY_S", 0.01)
    parts, lost = LastingParts(lambda: None), list[str]()

    async def loses_one() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3_600)
        lost.append("a cancellation")
        await asyncio.sleep(3_600)

    parts.begin(loses_one())
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await parts.stop()
    assert lost == ["a cancellation"]
    assert all(task.done() for task in parts._tasks)
