"""A part of the service that fails ends the service, which would go on with what was long ago."""

import asyncio

import pytest

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
