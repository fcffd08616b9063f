"""How EchoTune talks to Redis: bounded waits, so that it neither hangs nor hides an outage."""

import asyncio
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from streams.addresses import Addresses, shown
from topics.errors import SettingsError

REDIS_AWAY = (RedisError, OSError, asyncio.TimeoutError)
"""What a Redis that is away looks like."""
_ANSWER_TIMEOUT_S = 5.0
_CONNECT_TIMEOUT_S = 2.0


def redis_of(addresses: Addresses) -> Redis:
    """A client whose calls end, with an error of `REDIS_AWAY` if need be.

    Raises `SettingsError` where the address is none.
    """
    redis = _client(addresses.redis)
    pool = redis.connection_pool
    pool.connection_class = type("Connection", (_ClosedIsAway, pool.connection_class), {})
    return redis


def _client(url: str) -> Redis:
    try:
        return Redis.from_url(
            url,
            socket_timeout=_ANSWER_TIMEOUT_S,
            socket_connect_timeout=_CONNECT_TIMEOUT_S,
            health_check_interval=5,
        )
    except ValueError as error:
        raise SettingsError(
            f"{shown(url)} is no address of a Redis: {error}.",
            "Set ECHOTUNE_REDIS to redis://host:port/db.",
        ) from error


class _ClosedIsAway:
    """Says of a connection that the server closed what Redis' client understands.

    uvloop raises `RuntimeError` where one is written to that was closed a moment before; asyncio's
    own loop raises nothing, and the read that follows fails.
    """

    async def _send_packed_command(self, command: Any) -> None:
        try:
            await super()._send_packed_command(command)  # type: ignore[misc]
        except RuntimeError as error:
            raise ConnectionResetError(str(error)) from error
