"""Reports of players in Redis until their plays are settled.

A hash for each person and player: report → when it was received. A report is only ever added, so
that any number of services may do that at once, and the same one again changes nothing. A sorted
set has the time at which each hash has to be looked at.
"""

import re
from typing import Any, NamedTuple

import orjson
from redis.asyncio import Redis
from redis.exceptions import WatchError

from streams.serving.playback import PlaybackState, Report, Settled
from streams.serving.playback_reports import packed, unpacked

KEPT_S = 24 * 3600
"""How long reports are kept after the last one of a player."""
REPORTS_MAX = 2_000
"""Reports of one player that are waited for; beyond these, only changes of state are kept."""
LOOKED_AT_MS = 30_000
"""How long whoever looks at a player's reports has for that before another one does."""
_DONE = b"done"
_SESSIONS_MAX = 50
_SCAN_COUNT = 1_000
_STATE_CHANGES_MAX = 2 * REPORTS_MAX


class Player(NamedTuple):
    """A player of a person."""

    listener_id: str
    name: str


class Kept(NamedTuple):
    """What is known of a player's plays that are not settled."""

    received: dict[Report, int]
    late: list[Report]
    """Reports of plays that were settled before they arrived."""
    sessions: list[str]
    """The sessions that were settled last."""


class PlaybackStore:
    """Methods raise what `REDIS_UNAVAILABLE` names."""

    def __init__(self, redis: Redis, prefix: str = "") -> None:
        self._redis = redis
        self._open = f"{prefix}echotune:playback:open"
        self._prefix = f"{prefix}echotune:playback:of:"

    async def add(self, player: Player, report: Report, now: int) -> bool:
        """Adds a report; False if there are too many already."""
        key, name = self._key(player), _packed_player(player)
        most = REPORTS_MAX if report.state is PlaybackState.PLAYING else _STATE_CHANGES_MAX
        if await self._redis.hlen(key) > most:
            return report.state is PlaybackState.PLAYING
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hsetnx(key, packed(report), str(now))
            pipeline.expire(key, KEPT_S)
            pipeline.zadd(self._open, {name: now}, nx=True)
            pipeline.zadd(self._open, {name: now}, lt=True)
            await pipeline.execute()
        return True

    async def due(self, now: int, count: int) -> list[Player]:
        """Players that have to be looked at; for a while, nobody else is told so."""
        names: list[Any] = await self._redis.zrangebyscore(
            self._open, "-inf", now, start=0, num=count
        )
        if names:
            later = dict.fromkeys(names, now + LOOKED_AT_MS)
            await self._redis.zadd(self._open, later, xx=True)
        return [Player(*orjson.loads(each)) for each in names]

    async def kept(self, player: Player) -> Kept:
        """The reports of a player."""
        stored: dict[Any, Any] = await self._redis.hgetall(self._key(player))
        until, sessions = orjson.loads(stored.pop(_DONE, b"[0,[]]"))
        received = {unpacked(text): int(at) for text, at in stored.items()}
        late = [each for each in received if each.at <= until or each.session in sessions]
        for each in late:
            del received[each]
        return Kept(received, late, sessions)

    async def settle(self, player: Player, kept: Kept, found: Settled) -> None:
        """Forgets what is done, and notes when there may be more to do."""
        key, gone = self._key(player), [*kept.late, *found.done]
        if gone:
            await self._redis.hdel(key, *map(packed, gone))
        if found.plays:
            ended = [each.session for each in found.plays if each.session]
            sessions = [*kept.sessions, *ended][-_SESSIONS_MAX:]
            done = orjson.dumps([found.until, sessions])
            await self._redis.hset(key, _DONE, done)
            await self._redis.expire(key, KEPT_S)
        if found.due_at is not None:
            await self._redis.zadd(self._open, {_packed_player(player): found.due_at}, lt=True)
        else:
            await self._close(player)

    async def _close(self, player: Player) -> None:
        """Takes a player off the list, unless a report has just come."""
        key = self._key(player)
        async with self._redis.pipeline(transaction=True) as pipeline:
            await pipeline.watch(key)
            known = await pipeline.hkeys(key)
            if [each for each in known if each != _DONE]:
                return
            pipeline.multi()  # type: ignore[no-untyped-call]
            pipeline.zrem(self._open, _packed_player(player))
            try:
                await pipeline.execute()
            except WatchError:  # it will be looked at again
                return

    async def forget(self, listener_id: str, until_ms: int) -> None:
        """Forgets what a person's players had reported by a time."""
        begins = orjson.dumps([listener_id])[:-1].decode() + ","
        async for key in self._redis.scan_iter(f"{_escaped(self._prefix + begins)}*", _SCAN_COUNT):
            stored: dict[Any, Any] = await self._redis.hgetall(key)
            old = [each for each, at in stored.items() if each == _DONE or int(at) <= until_ms]
            if old:
                await self._redis.hdel(key, *old)
            if len(old) == len(stored):
                await self._redis.zrem(self._open, key.removeprefix(self._prefix.encode()))

    def _key(self, player: Player) -> str:
        return f"{self._prefix}{_packed_player(player).decode()}"


def _escaped(text: str) -> str:
    """The text as a pattern of Redis that matches nothing else."""
    return re.sub(r"([\\\[\]*?^-])", r"\\\1", text)


def _packed_player(player: Player) -> bytes:
    return orjson.dumps([*player])
