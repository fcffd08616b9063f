"""The pointer `recs:active` in Redis: which generation serves whom, for readers of lists.

It is a hash: `stable`, `canary` and `share` (only with a canary), `version` (offset of the plan in
the journal) and `record` (its operation id). It only ever follows the journal.
"""

import hashlib
import time
from math import inf
from typing import Any, Protocol

from redis.asyncio import Redis

from streams.lifecycle.lifecycle import SHARE_WHOLE, Lifecycle, Plan
from streams.lists.redis_lists import ACTIVE_KEY

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
    def lifecycle(self) -> Lifecycle:
        """The lifecycle, whose plan the pointer follows."""

    @property
    def as_of(self) -> float:
        """When the newest complete read began, by `time.monotonic`."""


class PointerWriter:
    """Writes the plan to Redis unless Redis has it, or a later one.

    A later one was written by somebody who has read more of the journal, or it belongs to a tail
    that the journal has lost since. The pointer is written after its record. So a read of the
    journal that began after the pointer was seen, and did not find the record, shows the latter.
    """

    def __init__(self, redis: Redis, journal: KnownJournal, prefix: str = "") -> None:
        self._redis = redis
        self._journal = journal
        self._key = prefix + ACTIVE_KEY
        self._later, self._seen_at = b"", inf

    async def write(self) -> bool:
        """Writes the plan; returns whether Redis had another one. Raises what `Redis` does."""
        plan, lost = self._journal.lifecycle.plan, b""
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
            self._seen_at = time.monotonic()
        self._later = later


def pointer_of(fields: dict[bytes, bytes]) -> Plan | None:
    """The plan that Redis holds; None if there is none, or another value in its place."""
    try:
        canary = fields.get(b"canary")
        return Plan(
            int(fields[b"version"]),
            fields[b"record"].decode(),
            fields[b"stable"].decode(),
            canary.decode() if canary else None,
            int(fields.get(b"share", 0)),
        )
    except (KeyError, ValueError):
        return None


def serving(plan: Plan, listener_id: str) -> str:
    """The generation that serves a listener: the canary for its share of them, else the stable one.

    A larger share only adds listeners, and another canary has another sample.

    >>> plan = Plan(stable="first", canary="second", share=2_000)
    >>> serving(plan, "me"), serving(plan, "ann")
    ('second', 'first')
    """
    if plan.canary is None:
        return plan.stable
    return plan.canary if bucket(plan.canary, listener_id) < plan.share else plan.stable


def bucket(canary: str, listener_id: str) -> int:
    """A number from 0 to 9,999 for each listener.

    >>> bucket("second", "me"), bucket("second", "ann"), bucket("second", "Björk")
    (1195, 5160, 7246)
    """
    text = f"{canary}/{listener_id}".encode()
    return int(hashlib.sha1(text, usedforsecurity=False).hexdigest()[:8], 16) % SHARE_WHOLE
