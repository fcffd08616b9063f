"""The client for Redis, with timeouts, so that an outage becomes an error and no call hangs."""

import asyncio
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from redis.asyncio import Redis, SSLConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from streams.addresses import Addresses, shown
from streams.redis_probe import contradiction
from streams.redis_refusals import redis_refusal
from topics.errors import SettingsError

REDIS_UNAVAILABLE = (RedisError, OSError, asyncio.TimeoutError)
"""The exceptions that mean that Redis is unavailable."""
_ANSWER_TIMEOUT_S = 5.0
_CONNECT_TIMEOUT_S = 2.0
_OBJECTS = (
    *("retry", "retry_on_error", "credential_provider"),
    *("redis_connect_func", "event_dispatcher", "maint_notifications_config"),
)
"""Parameters of the client that only programs can give."""


def redis_of(addresses: Addresses) -> Redis:
    """A client whose calls have timeouts; they raise one of `REDIS_UNAVAILABLE` in an outage.

    Raises `SettingsError` if the address is malformed.
    """
    redis = _client(addresses.redis)
    pool = redis.connection_pool
    pool.connection_class = type("Connection", (_ClosedIsUnavailable, pool.connection_class), {})
    return redis


async def text_at(redis: Redis, key: str) -> bytes | None:
    """The text at a key; None without one, also if somebody else's value of another type is there.

    Raises what `REDIS_UNAVAILABLE` names.
    """
    found: list[Any] = await redis.mget([key])
    text: bytes | None = found[0]
    return text


def _client(url: str) -> Redis:
    """A client; a connection is made, which connects to nothing, to check the parameters."""
    try:
        _check_parameters(url)
        redis = Redis.from_url(
            url,
            socket_timeout=_ANSWER_TIMEOUT_S,
            socket_connect_timeout=_CONNECT_TIMEOUT_S,
            health_check_interval=5,
        )
        redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        return redis
    except (ValueError, TypeError, AttributeError, RedisError) as error:
        unknown = re.search(r"unexpected keyword argument '(\w+)'", str(error))
        what = f": it has no parameter {unknown[1]!r}" if unknown else ""
        if isinstance(error, RedisError) and "ssl_cert_reqs" in url:
            what = ": ssl_cert_reqs has to be none, optional or required"
        raise SettingsError(
            f"{shown(url)} is not an address of a Redis server{what}.",
            "Set ECHOTUNE_REDIS to redis://host:port/db.",
        ) from None  # the cause may have a part of the URL that is secret


def _check_parameters(url: str) -> None:
    """Raises `TypeError`, as `Redis` does, for parameters whose values no text can be."""
    for name in parse_qs(urlsplit(url).query):
        if name in _OBJECTS:
            raise TypeError(f"unexpected keyword argument '{name}'")


class _ClosedIsUnavailable:
    """A connection that says why it cannot be made, as far as that can be found out.

    It translates the error of uvloop for a closed connection into one that the client handles.

    uvloop raises `RuntimeError` if a connection is written to just after the server closed it.
    asyncio's own loop raises nothing, and the read that follows fails.
    """

    async def connect(self) -> None:
        try:
            await super().connect()  # type: ignore[misc]
        except REDIS_UNAVAILABLE as error:
            if why := await self._contradiction(error):
                raise RedisConnectionError(why) from error
            raise

    async def _contradiction(self, error: BaseException) -> str:
        host, port = getattr(self, "host", ""), getattr(self, "port", 0)
        is_away = isinstance(error.__context__, ConnectionRefusedError)
        if not host or is_away or redis_refusal(error) is not None:
            return ""
        return await contradiction(host, port, uses_tls=isinstance(self, SSLConnection))

    async def _send_packed_command(self, command: Any) -> None:
        try:
            await super()._send_packed_command(command)  # type: ignore[misc]
        except RuntimeError as error:
            raise ConnectionResetError(str(error)) from error
