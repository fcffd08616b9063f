"""The store of lists in Redis, written by a Lua script (compare-and-set of the frontier).

Any client can read the lists with plain commands.

`recs:{generation}:{listener}` is a hash: `items` (JSON `[[track, score, reason], ...]`), `as_of`,
`log_epoch`, `event_time`, `published_at`. `recs:{generation}:*everyone*` is the fallback list, for
listeners without one. Which generation serves a listener is in `recs:active`
(`streams.lists.serving_plan`).
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from streams.lists.frontier import NOTHING_PUBLISHED, Frontier, fenced_frontier, frontier_of
from streams.lists.list_store import Publication, PublishOutcome, StoredList
from streams.settings import Settings
from topics.recommendation_list import EVERYONE, RecommendationList, RecommendedTrack

_log = structlog.get_logger(__name__)
LISTS_A_CALL_MAX = 400
"""Maximum number of lists per Lua call, which blocks Redis: 2 ms at about 5 µs per list."""
ACTIVE_KEY = "recs:active"
"""Key of the pointer: which generation serves whom (canary and blue/green)."""
FOREIGN_SUFFIX = ":foreign"
"""Appended to the key of a value that stood in place of a frontier."""
_LEFT_OUT_MAX = 1_000
"""Maximum number of listeners that are remembered, because their list's place is taken."""
_SCAN_COUNT = 2_000

_COMPARED = ("log_epoch", "as_of", "owner", "serial", "part")
"""The fields of `Frontier.identity`."""

_PUBLISH = """
local frontier, now, ttl_ms = ARGV[1], ARGV[2], ARGV[3]
local since = cjson.decode(ARGV[4])
local function frontier_in(text)
  local is_json, found = pcall(cjson.decode, text)
  if not is_json or type(found) ~= 'table' or not found[1] or not found[2] then return nil end
  for _, at in ipairs({COMPARED}) do
    if type(found[at] or 0) ~= 'number' then return nil end
  end
  return found
end
local stored = redis.pcall('GET', KEYS[1])
local was = type(stored) == 'string' and frontier_in(stored)
if not was then
  if stored then
    redis.call('RENAME', KEYS[1], KEYS[1] .. FOREIGN)
  end
  stored, was = '', cjson.decode(ARGV[5])
end
for _, at in ipairs({COMPARED}) do
  if (was[at] or 0) ~= (since[at] or 0) then
    return stored
  end
end
local function number_in(field)
  return tonumber((tostring(field or ''):match('^%-?%d+$'))) or -1
end
local function is_older(e, a, than_e, than_a) return e < than_e or (e == than_e and a < than_a) end
local left_out = {}
for i = 2, #KEYS do
  local epoch, as_of, event_time, items = ARGV[i + 4]:match('^(%-?%d+) (%-?%d+) (%-?%d+) (.*)$')
  local old = redis.pcall('HMGET', KEYS[i], 'log_epoch', 'as_of')
  local old_epoch, old_as_of = number_in(old[1]), number_in(old[2])
  local e, a = tonumber(epoch), tonumber(as_of)
  if old.err then
    if not old.err:find('WRONGTYPE', 1, true) then return old end
    left_out[#left_out + 1] = i - 1
  elseif not (is_older(e, a, old_epoch, old_as_of) or is_older(e, a, was[1], was[2])) then
    if items == '' then
      redis.call('DEL', KEYS[i])
    else
      redis.call('HSET', KEYS[i], 'items', items, 'as_of', as_of, 'log_epoch', epoch,
                 'event_time', event_time, 'published_at', now)
      redis.call('PEXPIRE', KEYS[i], ttl_ms)
    end
  end
end
redis.call('SET', KEYS[1], frontier)
return left_out
""".replace("COMPARED", ", ".join(str(1 + Frontier._fields.index(each)) for each in _COMPARED))
_PUBLISH = _PUBLISH.replace("FOREIGN", f"'{FOREIGN_SUFFIX}'")
"""Lua script, a compare-and-set: returns the stored frontier if it accepted nothing.

Otherwise it returns the numbers of the lists whose key holds another type: they are left out. What
stands in place of the frontier, and cannot be one, is renamed.
"""


def is_wrong_type(error: object) -> bool:
    """Whether Redis answered that a key holds a value of another type than the command needs."""
    return isinstance(error, ResponseError) and str(error).startswith("WRONGTYPE")


def list_key(generation: str, listener_id: str, prefix: str = "") -> str:
    """Key of a listener's list; `prefix` begins all keys of an installation."""
    return f"{prefix}recs:{generation}:{listener_id}"


def frontier_key(generation: str, shard: str, prefix: str = "") -> str:
    """Key of the publish frontier of one recommender; `shard` is its `iofM`."""
    return f"{prefix}echotune:frontier:{generation}:{shard}"


class RedisLists:
    """Lists of one generation and shard in Redis; see `ListStore` for the rules."""

    def __init__(
        self,
        redis: "Redis",
        generation: str,
        *,
        shard: int,
        shards: int,
        ttl_s: int,
        prefix: str = "",
    ) -> None:
        self._redis = redis
        self._generation = generation
        self._prefix = prefix
        self._frontier_key = frontier_key(generation, f"{shard}of{shards}", prefix)
        self._ttl_ms = ttl_s * 1000
        self._script = redis.register_script(_PUBLISH)
        self._left_out: set[str] = set()

    async def publish(self, publication: Publication, expected: Frontier) -> PublishOutcome:
        """See `ListStore.publish`; makes several calls if there are many lists."""
        rows = [*self._rows(publication)]
        known = expected
        for start in range(0, max(len(rows), 1), LISTS_A_CALL_MAX):
            end, new = start + LISTS_A_CALL_MAX, publication.frontier
            if publication.more_follow or end < len(rows):
                new = new.reached_in_part(known)
            found = await self._call(self._frontier_key, rows[start:end], new, known)
            if found is not None:
                return PublishOutcome(False, frontier_of(found))
            known = new
        return PublishOutcome(True, known)

    async def fence(self, shard: str, owner: int) -> Frontier:
        """See `ListStore.fence`."""
        key = frontier_key(self._generation, shard, self._prefix)
        while True:
            known = await self._frontier_at(key)
            new = fenced_frontier(known, owner)
            if await self._call(key, (), new, known) is None:
                return new

    @property
    def left_out(self) -> list[str]:
        """See `ListStore.left_out`."""
        return sorted(self._left_out)

    async def take_free(self) -> list[str]:
        """See `ListStore.take_free`."""
        ids = self.left_out
        if not ids:
            return []
        async with self._redis.pipeline(transaction=False) as pipeline:
            for each in ids:
                pipeline.type(self._list_key(each))
            types = await pipeline.execute()
        free = [each for each, of in zip(ids, types, strict=True) if of in (b"none", b"hash")]
        self._left_out -= {*free}
        return free

    def _note_left_out(self, rows: Sequence[tuple[bytes, bytes]], numbers: Sequence[int]) -> None:
        prefix = self._list_key("")
        ids = [key.decode().removeprefix(prefix) for key, _ in rows] if numbers else []
        new = {ids[number - 1] for number in numbers} - self._left_out
        for each in sorted(new)[: _LEFT_OUT_MAX - len(self._left_out)]:
            _log.warning("another value is in a list's place; it is left", key=prefix + each)
            self._left_out.add(each)

    async def _call(
        self, key: str, rows: Sequence[tuple[bytes, bytes]], frontier: Frontier, expected: Frontier
    ) -> bytes | None:
        """None if the key held the frontier `expected`; otherwise the frontier that it holds."""
        now_ms = int(time.time() * 1000)
        keys: list[Any] = [key, *(key for key, _ in rows)]
        texts = (expected.text(), NOTHING_PUBLISHED.text())
        settings: list[Any] = [frontier.text(), now_ms, self._ttl_ms, *texts]
        found = await self._script(keys=keys, args=[*settings, *(row for _, row in rows)])
        if isinstance(found, bytes):
            return found
        self._note_left_out(rows, found)
        return None

    def _list_key(self, listener_id: str) -> str:
        return list_key(self._generation, listener_id, self._prefix)

    def _rows(self, publication: Publication) -> Iterator[tuple[bytes, bytes]]:
        """Key and row of each list, as bytes, so that the client need not encode them."""
        for each in publication.lists:
            yield self._list_key(each.listener_id).encode(), _row(each)
        epoch, as_of = publication.frontier.position
        for listener_id in publication.erased:
            yield self._list_key(listener_id).encode(), b"%d %d 0 " % (epoch, as_of)

    async def frontier(self) -> Frontier:
        """See `ListStore.frontier`."""
        return await self._frontier_at(self._frontier_key)

    async def _frontier_at(self, key: str) -> Frontier:
        """The frontier at `key`; none if another value is there, which the next write renames."""
        try:
            return frontier_of(await self._redis.get(key))
        except (ResponseError, ValueError) as error:
            if not isinstance(error, ValueError) and not is_wrong_type(error):
                raise
            _log.warning("another value is in the place of redis' frontier", key=key)
            return NOTHING_PUBLISHED

    async def read(self, listener_id: str) -> StoredList | None:
        """See `ListStore.read`; both hashes are read in one round trip."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for each in (listener_id, EVERYONE):
                pipeline.hgetall(self._list_key(each))
            own, everyones = await pipeline.execute(raise_on_error=False)
        if (found := _stored(own)) is not None:
            return found
        fallback = _stored(everyones)
        return fallback and fallback._replace(is_fallback=True)

    async def count(self) -> int:
        """See `ListStore.count`; scans all keys, so it is for operators only."""
        match = self._list_key("*")
        fallback = self._list_key(EVERYONE).encode()
        keys = {key async for key in self._redis.scan_iter(match=match, count=_SCAN_COUNT)}
        return len(keys - {fallback})

    async def close(self) -> None:
        """See `ListStore.close`."""
        await self._redis.aclose()


def redis_lists(settings: Settings, redis: "Redis") -> RedisLists:
    """The lists of the configured generation and shard in `redis`."""
    return RedisLists(
        redis,
        settings.generation,
        shard=settings.shard,
        shards=settings.shards,
        ttl_s=settings.list_ttl_s,
        prefix=settings.prefix,
    )


def _row(new: RecommendationList) -> bytes:
    """A list in the form that the script parses: log epoch, as_of, event time and items."""
    return b"%d %d %d %b" % (new.log_epoch, new.as_of, new.event_time, new.items_json())


def _stored(found: dict[bytes, bytes] | Exception) -> StoredList | None:
    """The list in the answer of Redis; None if there is none, or another value in its place."""
    if isinstance(found, Exception):
        if is_wrong_type(found):
            return None
        raise found
    try:
        return StoredList(
            items=[RecommendedTrack(*item) for item in orjson.loads(found[b"items"])],
            log_epoch=int(found[b"log_epoch"]),
            as_of=int(found[b"as_of"]),
            event_time=int(found[b"event_time"]),
            published_at=int(found[b"published_at"]),
        )
    except (KeyError, ValueError, TypeError):
        return None
