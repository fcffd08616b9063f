"""Reads the list that a listener is served, as any reader should: by the pointer `recs:active`.

The pointer is kept for a second. A canary that has no list of the listener's own leaves them to the
stable generation. If there is no list at all, the pointer is read again once, because a generation
that served until now may have been retired.
"""

import time
from collections.abc import Callable
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from streams.lists.list_store import StoredList
from streams.lists.redis_lists import ACTIVE_KEY, RedisLists, is_wrong_type, redis_lists
from streams.lists.serving_plan import Plan, pointer_of, serving
from streams.settings import Settings

POINTER_KEPT_S = 1.0
"""Maximum age of the pointer that a reader goes by, in seconds."""


class ServedLists:
    """The lists that listeners are served; those of one generation if settings name one.

    Methods raise what `Redis` does.
    """

    def __init__(
        self, settings: Settings, redis: Redis, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._redis = redis
        self._clock = clock
        self._plan = Plan(stable=settings.generation)  # until there is a pointer
        self._read_at = -POINTER_KEPT_S
        self._lists: dict[str, RedisLists] = {}

    async def read(self, listener_id: str) -> StoredList | None:
        """The listener's list, otherwise the fallback list, or None if there is none."""
        found = await self._read(listener_id, await self._plan_now())
        return found or await self._read(listener_id, await self._plan_now(max_age_s=0.0))

    async def stable(self) -> str:
        """The generation that serves every listener who is in no canary."""
        return (await self._plan_now()).stable

    async def generations(self, listener_id: str) -> list[str]:
        """The generation that serves a listener, and the stable one if that is another.

        As with lists, a canary that does not know the listener comes after one that does.
        """
        plan = await self._plan_now()
        wanted = [*dict.fromkeys((serving(plan, listener_id), plan.stable))]
        if len(wanted) == 1:
            return wanted
        lists = {each: await self._of_generation(each, listener_id) for each in wanted}
        strangers = [each for each, found in lists.items() if found is None or found.is_fallback]
        return sorted(wanted, key=strangers.__contains__)

    async def _read(self, listener_id: str, plan: Plan) -> StoredList | None:
        found = [
            await self._of_generation(each, listener_id)
            for each in dict.fromkeys((serving(plan, listener_id), plan.stable))
        ]
        by_preference = sorted(filter(None, found), key=lambda each: each.is_fallback)
        return by_preference[0] if by_preference else None

    async def _of_generation(self, generation: str, listener_id: str) -> StoredList | None:
        if generation not in self._lists:
            settings = self._settings.model_copy(update={"generation": generation})
            self._lists[generation] = redis_lists(settings, self._redis)
        found = await self._lists[generation].read(listener_id)
        return found and found._replace(generation=generation)

    async def _plan_now(self, max_age_s: float = POINTER_KEPT_S) -> Plan:
        is_fixed = "generation" in self._settings.model_fields_set
        if not is_fixed and self._clock() - self._read_at >= max_age_s:
            self._plan = await stored_plan(self._redis, self._settings.prefix) or self._plan
            self._read_at = self._clock()
        return self._plan


async def stored_plan(redis: Redis, prefix: str = "") -> Plan | None:
    """The plan that Redis holds; None if there is none, or another value in its place."""
    try:
        found: Any = await redis.hgetall(prefix + ACTIVE_KEY)
    except ResponseError as error:
        if is_wrong_type(error):
            return None
        raise
    return pointer_of(found)
