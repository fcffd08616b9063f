"""Writes the pointer `recs:active` to Redis, which tells readers what generation serves whom.

It is a hash: `stable`, `canary` and `share` (only with a canary), `version` (offset of the plan in
the journal) and `record` (its operation id). It only ever follows the journal. Readers of lists
take it from `streams.lists.served_lists`.
"""

import time
from collections.abc import Callable
from math import inf
from typing import Any, Protocol

from redis.asyncio import Redis

from streams.lists.redis_lists import ACTIVE_KEY
from streams.lists.serving_plan import Plan

_WRITE = """
local stored = redis.pcall('HMGET', KEYS[1], 'version', 'record')
if stored.err then redis.call('DEL', KEYS[1]) stored = {} end
local version, record = tonumber(stored[1] or ''), stored[2] or ''
local new, place = tonumber(ARGV[1]), (stored[1] or '') .. ' ' .. record
local is_newer = not version or version < new or (version == new and record ~= ARGV[2])
if not is_newer and place ~= ARGV[3] then return version > new and place or '' end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'record', ARGV[2], unpack(ARGV, 4))
return 1
"""
"""Lua script: takes a newer plan, or any plan in place of the one in `ARGV[3]`.

Values of another type or form are replaced. Returns 1, or the place of a later plan that it kept.
"""


class KnownJournal(Protocol):
    """What is known of the journal."""

    @property
    def plan(self) -> Plan:
        """The plan, which the pointer follows."""

    @property
    def as_of(self) -> float:
        """When the newest complete read began, by `time.monotonic`."""


class PointerWriter:
    """Writes the plan to Redis unless Redis has it, or a later one.

    A later one was written by somebody who has read more of the journal, or it belongs to a tail
    that the journal has lost since. The pointer is written after its record. So a read of the
    journal that began after the pointer was seen, and did not find the record, shows the latter.
    """

    def __init__(
        self,
        redis: Redis,
        journal: KnownJournal,
        prefix: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` is the one by which the journal says as of when it is known."""
        self._redis = redis
        self._journal = journal
        self._clock = clock
        self._key = prefix + ACTIVE_KEY
        self._later, self._seen_at = b"", inf

    async def write(self) -> bool:
        """Writes the plan; returns whether Redis had another one. Raises what `Redis` does."""
        plan, lost = self._journal.plan, b""
        if self._journal.as_of > self._seen_at:
            lost = self._later
        fields: list[Any] = ["stable", plan.stable]
        if plan.canary is not None:
            fields += ["canary", plan.canary, "share", plan.share]
        found = await self._redis.eval(
            _WRITE, 1, self._key, plan.version, plan.record, lost, *fields
        )
        self._note(found if isinstance(found, bytes) else b"")
        return found == 1

    @property
    def is_behind(self) -> bool:
        """Whether Redis had a later plan at the last attempt: the journal should be read again."""
        return bool(self._later)

    def _note(self, later: bytes) -> None:
        if not later:
            self._seen_at = inf
        elif later != self._later:
            self._seen_at = self._clock()
        self._later = later
