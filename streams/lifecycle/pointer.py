"""The pointer `recs:active` in Redis: which generation serves whom, for readers of lists.

It is a hash: `stable`, `canary` and `share` (only with a canary), `version` (offset of the plan in
the journal) and `record` (its operation id). It only ever follows the journal.
"""

import hashlib
from typing import Any

from redis.asyncio import Redis

from streams.lifecycle.lifecycle import SHARE_WHOLE, Plan
from streams.lists.redis_lists import ACTIVE_KEY

_WRITE = """
local stored = redis.pcall('HGET', KEYS[1], 'version')
if type(stored) == 'table' then redis.call('DEL', KEYS[1]) stored = false end
local version = tonumber(stored or '') or -1
local record = redis.call('HGET', KEYS[1], 'record')
local new, known_end = tonumber(ARGV[1]), tonumber(ARGV[2])
local is_newer = version < new or (version == new and record ~= ARGV[3])
if not (is_newer or known_end <= version) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'record', ARGV[3], unpack(ARGV, 4))
return 1
"""
"""Lua script: takes a newer plan, or any plan if the journal ends below the stored version.

The journal then lost its tail. Values of another type or form are replaced.
"""


async def write_pointer(redis: Redis, plan: Plan, journal_end: int, prefix: str = "") -> bool:
    """Writes the plan unless Redis has it or a later one; returns whether it was written.

    `journal_end` is the offset after the journal's last record, which the caller has just read.
    """
    fields: list[Any] = ["stable", plan.stable]
    if plan.canary is not None:
        fields += ["canary", plan.canary, "share", plan.share]
    found = await redis.eval(
        _WRITE, 1, prefix + ACTIVE_KEY, plan.version, journal_end, plan.record, *fields
    )
    return bool(found)


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
