"""Tells an open page what has changed, as server-sent events; the page then asks for it.

Events: `list`, `history`, `playing` (these changed), and `status` every `STATUS_EVERY_S`. A stream
ends when its token is no longer valid, and at once when the service ends.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import StreamingResponse

from streams.people.people import Person
from streams.redis_client import REDIS_UNAVAILABLE
from streams.serving.authentication import person_of, token_of
from streams.serving.console.console_state import STATUS_EVERY_S
from streams.serving.console.feedback_by_track import FEEDBACK_MAX
from streams.serving.console.listener_views import HISTORY_COUNT
from streams.serving.console.recent_status import recent_status
from streams.serving.lists_api import etag
from streams.serving.playing_now import playing_now
from streams.serving.problems import unavailable
from streams.serving.services import Services
from topics.errors import EchoTuneError

TICK_S = 0.15
"""How often a stream looks for changes."""
PERSON_EVERY_S = 5.0
"""How often it looks whether its token is still valid."""
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def events(request: Request, services: Services) -> StreamingResponse:
    """The stream of a person's changes."""
    person = await person_of(request, services.people)
    if not services.console.streams.has_place(person.name):
        raise unavailable("too many pages are open; close one of them")
    stream = _stream(services, person, token_of(request))
    return StreamingResponse(stream, media_type="text/event-stream", headers=_HEADERS)


def event_bytes(name: str, data: Any) -> bytes:
    """One event.

    >>> event_bytes("list", {"as_of": 7})
    b'event: list\\ndata: {"as_of":7}\\n\\n'
    """
    return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(data))


async def _stream(services: Services, person: Person, token: str) -> AsyncIterator[bytes]:
    streams = services.console.streams
    with streams.place(person.name):
        watch = _Watch(services, person)
        asked_at = time.monotonic()
        try:
            while not streams.is_ending():
                for name, data in await watch.changes():
                    yield event_bytes(name, data)
                if time.monotonic() - asked_at >= PERSON_EVERY_S:
                    asked_at = time.monotonic()
                    if await services.people.person_of(token) is None:
                        return
                await asyncio.sleep(TICK_S)
        finally:
            watch.close()


class _Watch:
    """Looks at what one page shows, and notes how it was."""

    def __init__(self, services: Services, person: Person) -> None:
        self._services = services
        self._person = person
        self._seen: dict[str, Any] = {}
        self._position: Any = None
        self._status: asyncio.Task[dict[str, Any]] | None = None
        self._status_at = 0.0

    async def changes(self) -> list[tuple[str, Any]]:
        """The events since the last call. A server that is away changes nothing."""
        found: list[tuple[str, Any]] = []
        with suppress(*REDIS_UNAVAILABLE, EchoTuneError):
            found += await self._of_redis()
        with suppress(EchoTuneError):
            found += await self._of_history()
        return found + self._of_status()

    def close(self) -> None:
        """Ends what it waits for."""
        if self._status is not None:
            self._status.cancel()

    async def _of_redis(self) -> list[tuple[str, Any]]:
        stored = await self._services.lists.read(self._person.name)
        playing = await playing_now(self._services, self._person.name)
        return [
            *self._changed("list", etag(stored) if stored else None),
            *self._changed("playing", playing),
        ]

    async def _of_history(self) -> list[tuple[str, Any]]:
        """The history is read only if that of anybody has changed."""
        history, name = self._services.history, self._person.name
        position = await self._services.console.position.get(history.position)
        if position == self._position:
            return []
        listens = await history.listens(name, count=HISTORY_COUNT)
        thought = await history.feedback(name, score=None, count=FEEDBACK_MAX, offset=0)
        self._position = position
        shown = hashlib.sha256(repr((listens, thought)).encode()).hexdigest()
        return self._changed("history", shown)

    def _changed(self, name: str, value: Any) -> list[tuple[str, Any]]:
        if name in self._seen and self._seen[name] == value:
            return []
        self._seen[name] = value
        return [(name, value if name == "playing" else {})]

    def _of_status(self) -> list[tuple[str, Any]]:
        """The status if it is there; it is asked for beside, because a server may answer late."""
        if self._status is not None and self._status.done():
            status, self._status = self._status, None
            return [] if status.exception() else [("status", status.result())]
        if self._status is None and time.monotonic() - self._status_at >= STATUS_EVERY_S:
            self._status_at = time.monotonic()
            self._status = asyncio.create_task(recent_status(self._services, self._person))
        return []
