"""Reports of players in Redis until their plays are settled.

A hash for each person and player: report → when it was received. A report is only ever added, so
that any number of services may do that at once, and the same one again changes nothing. A sorted
set has the time at which each hash has to be looked at. What somebody else has written there costs
no play of anybody: a value of another type is renamed, and other fields and members are removed.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError, WatchError

from streams.lists.redis_lists import FOREIGN_SUFFIX, is_wrong_type
from streams.serving.playback import PlaybackState, Report, Settled
from streams.serving.playback_reports import packed, unpacked

_log = structlog.get_logger(__name__)
PLAYBACK = "playback"
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
    """Methods raise what `REDIS_UNAVAILABLE` names; `what` begins the names of its keys."""

    def __init__(self, redis: Redis, prefix: str = "", what: str = PLAYBACK) -> None:
        self._redis = redis
        self._open = f"{prefix}echotune:{what}:open"
        self._prefix = f"{prefix}echotune:{what}:of:"

    async def add(self, player: Player, report: Report, now: int) -> bool:
        """Adds a report; False if there are too many already."""
        key, name = self._key(player), _packed_player(player)
        most = REPORTS_MAX if report.state is PlaybackState.PLAYING else _STATE_CHANGES_MAX
        if await self._at(key, lambda: self._redis.hlen(key)) > most:
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
        names: list[bytes] = await self._at(
            self._open,
            lambda: self._redis.zrangebyscore(self._open, "-inf", now, start=0, num=count),
        )
        players = {name: player for name in names if (player := _player_of(name))}
        if players:
            later: dict[Any, Any] = dict.fromkeys(players, now + LOOKED_AT_MS)
            await self._redis.zadd(self._open, later, xx=True)
        if foreign := [name for name in names if name not in players]:
            _log.warning("members that are no players are removed", key=self._open, of=len(foreign))
            await self._redis.zrem(self._open, *foreign)
        return [*players.values()]

    async def kept(self, player: Player) -> Kept:
        """The reports of a player."""
        key = self._key(player)
        stored: dict[Any, Any] = await self._at(key, lambda: self._redis.hgetall(key))
        until, sessions = _done_of(stored.pop(_DONE, b""))
        received, foreign = _reports_of(stored)
        if foreign:
            _log.warning("fields that are no reports are removed", key=key, of=len(foreign))
            await self._redis.hdel(key, *foreign)
        late = [each for each in received if each.at <= until or each.session in sessions]
        for each in late:
            del received[each]
        return Kept(received, late, sessions)

    async def settle(self, player: Player, kept: Kept, found: Settled) -> None:
        """Forgets what is done, and notes when there may be more to do."""
        key, gone = self._key(player), [*kept.late, *found.done]
        async with self._redis.pipeline(transaction=True) as pipeline:  # else a late report counts
            if gone:
                pipeline.hdel(key, *map(packed, gone))
            if found.plays:
                ended = [each.session for each in found.plays if each.session]
                sessions = [*kept.sessions, *ended][-_SESSIONS_MAX:]
                pipeline.hset(key, _DONE, orjson.dumps([found.until, sessions]))
                pipeline.expire(key, KEPT_S)
            await pipeline.execute()
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
            if await self._redis.type(key) != b"hash":
                continue  # somebody else's
            stored: dict[Any, Any] = await self._redis.hgetall(key)
            times = {each: at for each, at in stored.items() if each == _DONE or at.isdigit()}
            old = [each for each, at in times.items() if each == _DONE or int(at) <= until_ms]
            if old:
                await self._redis.hdel(key, *old)
            if player := _player_of(key.removeprefix(self._prefix.encode())):
                await self._close(player)

    async def _at(self, key: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The answer about a key, from whose place a value of another type is renamed."""
        try:
            return await ask()
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
        _log.warning("another value is in the place of reports; it is renamed", key=key)
        await self._redis.rename(key, key + FOREIGN_SUFFIX)
        return await ask()

    def _key(self, player: Player) -> str:
        return f"{self._prefix}{_packed_player(player).decode()}"


def _escaped(text: str) -> str:
    """The text as a pattern of Redis that matches nothing else."""
    return re.sub(r"([\\\[\]*?^-])", r"\\\1", text)


def _packed_player(player: Player) -> bytes:
    return orjson.dumps([*player])


def _player_of(name: bytes) -> Player | None:
    """The player that `_packed_player` wrote; None for what it cannot have written."""
    try:
        player = Player(*orjson.loads(name))
    except (ValueError, TypeError):
        return None
    return player if all(isinstance(each, str) for each in player) else None


def _done_of(text: bytes) -> tuple[int, list[str]]:
    """Up to when plays were settled, and the last sessions of them."""
    try:
        until, sessions = orjson.loads(text or b"[0,[]]")
        return int(until), [str(each) for each in sessions]
    except (ValueError, TypeError):
        return 0, []


def _reports_of(stored: dict[bytes, bytes]) -> tuple[dict[Report, int], list[bytes]]:
    """Report → when it was received, and the fields that are no reports."""
    received, foreign = {}, []
    for text, at in stored.items():
        try:
            received[unpacked(text)] = int(at)
        except (ValueError, TypeError):
            foreign.append(text)
    return received, foreign
