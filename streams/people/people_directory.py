"""All people and tokens in memory: a request waits for no server, and a change is known at once."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import structlog
from redis.asyncio import Redis

from streams.people.mongo_people import MongoPeople
from streams.people.people import KnownPeople, Person, Token, digest_of, is_token
from streams.redis_client import REDIS_UNAVAILABLE
from topics.errors import ServerError

POLL_S = 1.0
"""How often the version is read, whether or not Redis tells of changes."""
READ_ALL_S = 60.0
"""How often everything is read without a change, for a change whose process died before it told."""
READINGS_A_SECOND = 5
PATIENCE_S = 2.0
"""How long a request with an unknown token or name waits for MongoDB."""
USE_EVERY_S = 60.0
"""How often, at most, the use of one token is stored."""
_HEAR_S = 5.0
_Found = TypeVar("_Found")
_log = structlog.get_logger(__name__)


def channel_of(prefix: str) -> str:
    """The Redis channel that tells of changes; `prefix` begins it, as it does all keys."""
    return f"{prefix}people:changed"


async def announce(redis: Redis, prefix: str) -> None:
    """Tells all directories of a change; raises one of `REDIS_UNAVAILABLE`."""
    await redis.publish(channel_of(prefix), b"")


class PeopleDirectory:
    """Who people are, from memory; `run` keeps it fresh. The clock is in seconds since 1970.

    Who was known remains known while MongoDB is away. Who is unknown is looked for once more,
    because a token has to work as soon as it was printed: requests share these readings, of which
    there are at most `READINGS_A_SECOND`.
    """

    def __init__(
        self,
        people: MongoPeople,
        redis: Redis,
        prefix: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._people = people
        self._redis = redis
        self._channel = channel_of(prefix)
        self._clock = clock
        self._known: KnownPeople | None = None
        self._version = 0
        self._all_read_at = 0.0
        self._error: ServerError | None = None
        self._begins: deque[float] = deque(maxlen=READINGS_A_SECOND)
        self._reading = asyncio.Lock()
        self._next: asyncio.Task[None] | None = None
        self._uses: dict[str, int] = {}
        self._noted: dict[str, int] = {}

    @property
    def is_fresh(self) -> bool:
        """Whether the last reading succeeded: if not, an unknown token may be a valid one."""
        return self._known is not None and self._error is None

    def names(self) -> frozenset[str]:
        """The names of all people who are known now."""
        return self._people_now().names

    async def load(self) -> None:
        """Reads everything; raises `ServerError` if that fails and nobody is known yet."""
        await self._refresh()
        if self._known is None:
            raise self._error or ServerError(
                "People and tokens cannot be read.", "Is MongoDB up, and is ECHOTUNE_MONGO right?"
            )

    async def run(self) -> None:
        """Keeps everything fresh until it is cancelled; raises `ServerError` as `load` does."""
        await self.load()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._poll())
            tasks.create_task(self._hear())
            tasks.create_task(self._store_uses())

    async def person_of(self, token: str) -> Person | None:
        """Whose token this is; None if it is unknown or has ended, or its person was removed."""
        if not is_token(token):
            return None
        digest = digest_of(token)
        found = await self._found(lambda known: known.token(digest, self._clock() * 1_000))
        if found is None:
            return None
        self._note(found)
        return self._people_now().person(found.person)

    def known_person_of(self, token: str) -> Person | None:
        """Whose token this is by what is known now; it neither waits nor notes a use."""
        if not is_token(token):
            return None
        found = self._people_now().token(digest_of(token), self._clock() * 1_000)
        return self._people_now().person(found.person) if found else None

    async def person(self, name: str) -> Person | None:
        """The person of this name."""
        return await self._found(lambda known: known.person(name))

    async def _found(self, look: Callable[[KnownPeople], _Found | None]) -> _Found | None:
        if self._known is None:
            await self.load()
        found = look(self._people_now())
        if found is None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._refresh(), PATIENCE_S)
            found = look(self._people_now())
        return found

    def _people_now(self) -> KnownPeople:
        return self._known or KnownPeople()

    # -- reading -------------------------------------------------------------------------------

    async def _refresh(self) -> None:
        """Waits for a reading that begins from now on; all who wait share it."""
        if self._next is None:
            self._next = asyncio.create_task(self._read_next())
        await asyncio.shield(self._next)

    async def _read_next(self) -> None:
        async with self._reading:
            await asyncio.sleep(self._seconds_until_next())
            self._next = None  # whoever comes from now on may have been told of a later change
            self._begins.append(asyncio.get_running_loop().time())
            error: ServerError | None = None
            try:
                await self._read()
            except ServerError as raised:
                error = raised
            self._log_outage(error)
            self._error = error

    def _seconds_until_next(self) -> float:
        if len(self._begins) < READINGS_A_SECOND:
            return 0.0
        return max(0.0, self._begins[0] + 1.0 - asyncio.get_running_loop().time())

    async def _read(self) -> None:
        """Reads the version first: what changes meanwhile has another one, and is read again."""
        version, now = await self._people.version(), asyncio.get_running_loop().time()
        is_old = now - self._all_read_at >= READ_ALL_S
        if self._known is None or is_old or version != self._version:
            people, tokens = await self._people.people(), await self._people.tokens()
            self._known = KnownPeople(people, tokens)
            self._version, self._all_read_at = version, now
            ids = {each.token_id for each in tokens}
            self._noted = {each: at for each, at in self._noted.items() if each in ids}

    def _log_outage(self, error: ServerError | None) -> None:
        if error is not None and self._error is None:
            _log.warning("people and tokens are those of before", error=error.message)
        elif error is None and self._error is not None:
            _log.info("people and tokens are up to date again")

    # -- what runs beside requests -------------------------------------------------------------

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            await self._refresh()

    async def _hear(self) -> None:
        """Reads anew when Redis tells of a change; while it is away, polling has to do."""
        while True:
            with suppress(*REDIS_UNAVAILABLE):
                async with self._redis.pubsub(ignore_subscribe_messages=True) as told:
                    await told.subscribe(self._channel)
                    while True:
                        if await told.get_message(timeout=_HEAR_S) is not None:
                            await self._refresh()
            await asyncio.sleep(POLL_S)

    async def _store_uses(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            uses, self._uses = self._uses, {}
            try:
                await self._people.note_used(uses)
            except ServerError:  # it is said already, and only a time that people look at
                self._uses = uses | self._uses

    def _note(self, token: Token) -> None:
        now_ms = int(self._clock() * 1_000)
        last_ms = max(self._noted.get(token.token_id, 0), token.last_used_at or 0)
        if now_ms - last_ms >= USE_EVERY_S * 1_000:
            self._noted[token.token_id] = self._uses[token.token_id] = now_ms
