"""The client of Redis on the loop that workers run on: whatever happens, it is Redis being away."""

import asyncio

import uvloop

from infra.embedded_servers import Addresses
from streams.redis_client import REDIS_UNAVAILABLE, redis_of


async def ask_after_the_connection_closed(redis_url: str) -> str:
    """What a client says whose connection was closed between two calls."""
    redis = redis_of(Addresses("", redis_url, ""))
    await redis.ping()
    [connection] = redis.connection_pool._available_connections
    connection._writer.transport.abort()
    try:
        return "an answer" if await redis.ping() else "none"
    except REDIS_UNAVAILABLE:
        return "away"
    finally:
        await redis.aclose()


def test_a_connection_that_was_closed_between_two_calls_is_no_crash(redis_url: str) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        said = runner.run(ask_after_the_connection_closed(redis_url))
    assert said in ("an answer", "away")
