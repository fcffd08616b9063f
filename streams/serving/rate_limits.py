"""How often one person may read: counted in Redis, so that all processes count together.

The four headers are ListenBrainz', and clients wait by them. Submissions are never counted:
some clients drop a listen upon 429, and some stop when nothing remains.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from redis.asyncio import Redis
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.people.people_directory import PeopleDirectory
from streams.redis_client import REDIS_UNAVAILABLE
from streams.serving.authentication import token_of
from streams.serving.problems import problem, rate_headers

WINDOW_S = 10
"""Reads are counted within windows of this length."""
PATIENCE_S = 0.2
"""How long a read waits for its count; a Redis that is away limits nobody."""
PAUSE_S = 1.0
"""How long nothing is counted after Redis did not answer."""
_LIMITED = ("/1/", "/v1/")


class Allowance(NamedTuple):
    """What is left of a window."""

    limit: int
    remaining: int
    """Less than zero if this read is one too many."""
    reset_in_s: int

    def headers(self) -> dict[str, str]:
        """The four headers."""
        return rate_headers(self.limit, max(0, self.remaining), self.reset_in_s)


class ReadLimits:
    """Counts reads; the clock is in seconds since 1970."""

    def __init__(
        self, redis: Redis, limit: int, prefix: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        self._redis = redis
        self._limit = limit
        self._key = f"{prefix}echotune:reads:"
        self._clock = clock
        self._paused_until = 0.0

    async def take(self, request: Request, people: PeopleDirectory) -> Allowance | None:
        """Counts a request of whoever asks; None if there is no limit, or Redis is away."""
        now = self._clock()
        if not self._limit or now < self._paused_until:
            return None
        who = reader_of(request, people)
        window, passed_s = divmod(now, WINDOW_S)
        try:
            count = await asyncio.wait_for(self._count(f"{window:.0f}:{who}"), PATIENCE_S)
        except REDIS_UNAVAILABLE:
            self._paused_until = now + PAUSE_S
            return None
        return Allowance(self._limit, self._limit - count, math.ceil(WINDOW_S - passed_s))

    async def _count(self, name: str) -> int:
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.incr(self._key + name)
            pipeline.expire(self._key + name, 2 * WINDOW_S)
            count, _ = await pipeline.execute()
        return int(count)


def reader_of(request: Request, people: PeopleDirectory) -> str:
    """Whose reads are counted together: those of a person, or those of an address."""
    person = people.known_person_of(token_of(request))
    if person is not None:
        return f"person:{person.name}"
    return f"address:{request.client.host if request.client else ''}"


class LimitedReads:
    """ASGI middleware: answers 429 to who reads too often, and says what remains to all others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on if it is no read, or one that is allowed."""
        is_read = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if not is_read or not scope["path"].startswith(_LIMITED):
            await self._app(scope, receive, send)
            return
        request, services = Request(scope), scope["app"].state.services
        allowance = await services.reads.take(request, services.people)
        if allowance is None:
            await self._app(scope, receive, send)
        elif allowance.remaining < 0:
            await _too_often(allowance)(scope, receive, send)
        else:
            await self._app(scope, receive, _adding(allowance.headers(), send))


def _too_often(allowance: Allowance) -> ASGIApp:
    headers = allowance.headers() | {"Retry-After": str(allowance.reset_in_s)}
    return problem(429, f"more than {allowance.limit} reads within {WINDOW_S} s", headers)


def _adding(headers: dict[str, str], send: Send) -> Callable[[Message], Awaitable[None]]:
    async def send_with(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(headers)
        await send(message)

    return send_with
