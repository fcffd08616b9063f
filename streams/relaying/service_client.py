"""Asks other services, within bounds of time and size."""

import asyncio
import codecs
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx
import orjson

from streams.relaying.relay import CLIENT

TIMEOUT_S = 20.0
"""How long each step of a call may take, such as the next part of an answer."""
CALL_WITHIN_S = 60.0
"""How long a whole call may take: a service may send its answer byte by byte."""
ANSWER_BYTES_MAX = 64 * 1024


class Reply(NamedTuple):
    """What a service answered; `body` is None if it is no strict JSON, or far too large."""

    status: int
    headers: Mapping[str, str]
    body: object


class NoReplyError(Exception):
    """No answer came: the service may have done what it was asked for, or not."""


class ServiceClient:
    """Posts to services. It follows no redirect: what it sends is for one service."""

    def __init__(self) -> None:
        self._http = httpx.AsyncClient(timeout=TIMEOUT_S, headers={"User-Agent": CLIENT})

    async def post(self, url: str, **content: Any) -> Reply:
        """The answer to a POST; raises `NoReplyError`."""
        try:
            async with (
                asyncio.timeout(CALL_WITHIN_S),
                self._http.stream("POST", url, **content) as response,
            ):
                return Reply(response.status_code, response.headers, await _body(response))
        except (httpx.HTTPError, TimeoutError) as error:
            raise NoReplyError(f"no answer ({type(error).__name__})") from error

    async def close(self) -> None:
        """Closes all connections."""
        await self._http.aclose()


async def _body(response: httpx.Response) -> object:
    """The JSON; none with infinite numbers, half surrogate pairs or a thousand levels."""
    read = bytearray()
    async for part in response.aiter_bytes():
        read += part
        if len(read) > ANSWER_BYTES_MAX:
            return None
    try:
        return orjson.loads(read.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError:
        return None
