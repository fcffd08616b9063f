"""How often one person may read: counted in Redis, so that all processes count together.

The four headers are ListenBrainz', and clients wait by them. Submissions are never counted:
some clients drop a listen upon 429, and some stop when nothing remains.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple

from redis.asyncio import Redis
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.people.people_directory import PeopleDirectory
from streams.redis_client import REDIS_UNAVAILABLE
from streams.serving.authentication import token_of
from streams.serving.problems import problem, rate_headers

WINDOW_S = 10
"""Reads are counted within windows of this length."""
ADD_EVERY_S = 0.25
"""How often the reads of all processes are added up."""
READERS_MAX = 100_000
"""Number of people and addresses that are counted in a window."""
_LIMITED = ("/1/", "/v1/")
_QUESTIONS = ("/v1/continue", "/1/metadata/lookup", "/1/metadata/recording")
"""Requests that ask, although they have a body: they are reads, too."""


class Allowance(NamedTuple):
    """What is left of a window."""

    limit: int
    remaining: int
    """Less than zero if this read is one too many."""
    reset_in_s: int

    def headers(self) -> dict[str, str]:
        """The four headers."""
        return rate_headers(self.limit, max(0, self.remaining), self.reset_in_s)


class _Reads:
    """Reads of one person in the window: those in Redis, and those that are not there yet."""

    def __init__(self) -> None:
        self.counted = 0
        self.more = 0


class ReadLimits:
    """Counts reads; the clock is in seconds since 1970.

    A read waits for no server: `run` adds up what all processes have counted, and tells this one.
    """

    def __init__(
        self, redis: Redis, limit: int, prefix: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        self._redis = redis
        self._limit = limit
        self._key = f"{prefix}echotune:reads:"
        self._clock = clock
        self._window = 0
        self._reads: dict[str, _Reads] = {}

    def take(self, request: Request, people: PeopleDirectory) -> Allowance | None:
        """Counts a request of whoever asks; None if there is no limit."""
        if not self._limit:
            return None
        now = self._clock()
        self._begin_window(int(now // WINDOW_S))
        who = reader_of(request, people)
        if who not in self._reads and len(self._reads) >= READERS_MAX:
            return None
        reads = self._reads.setdefault(who, _Reads())
        reads.more += 1
        left = self._limit - reads.counted - reads.more
        return Allowance(self._limit, left, math.ceil(WINDOW_S - now % WINDOW_S))

    def _begin_window(self, window: int) -> None:
        if window != self._window:
            self._window, self._reads = window, {}

    async def run(self) -> None:
        """Adds up until it is cancelled; while Redis is away, each process counts alone."""
        while True:
            await asyncio.sleep(ADD_EVERY_S)
            with suppress(*REDIS_UNAVAILABLE):
                await self.add_up()

    async def add_up(self) -> None:
        """Adds this process' reads to those in Redis; raises what `REDIS_UNAVAILABLE` names."""
        window, new = self._window, {who: each for who, each in self._reads.items() if each.more}
        added = {who: each.more for who, each in new.items()}
        async with self._redis.pipeline(transaction=False) as pipeline:
            for who, more in added.items():
                key = f"{self._key}{window}:{who}"
                pipeline.incrby(key, more)
                pipeline.expire(key, 2 * WINDOW_S)
            counted = (await pipeline.execute(raise_on_error=False))[::2]
        for (who, reads), total in zip(new.items(), counted, strict=True):
            if isinstance(total, int):  # else somebody else's value is in place of this count
                reads.counted = total
                reads.more -= added[who]


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
        if not _is_limited(scope):
            await self._app(scope, receive, send)
            return
        request, services = Request(scope), scope["app"].state.services
        allowance = services.reads.take(request, services.people)
        if allowance is None:
            await self._app(scope, receive, send)
        elif allowance.remaining < 0:
            await _too_often(allowance)(scope, receive, send)
        else:
            await self._app(scope, receive, _adding(allowance.headers(), send))


def _is_limited(scope: Scope) -> bool:
    """Whether a request is a read, by its method or its path."""
    if scope["type"] != "http":
        return False
    if scope["method"] == "POST":
        return scope["path"] in _QUESTIONS
    return scope["method"] == "GET" and scope["path"].startswith(_LIMITED)


def _too_often(allowance: Allowance) -> ASGIApp:
    headers = allowance.headers() | {"Retry-After": str(allowance.reset_in_s)}
    return problem(429, f"more than {allowance.limit} reads within {WINDOW_S} s", headers)


def _adding(headers: dict[str, str], send: Send) -> Callable[[Message], Awaitable[None]]:
    added = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def send_with(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name for name, _ in message["headers"]}
            more = [each for each in added if each[0] not in own]  # a 503 has its own ones
            message["headers"] = [*message["headers"], *more]
        await send(message)

    return send_with
