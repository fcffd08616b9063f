"""Slows a recommender that is far behind, so that those which serve listeners stay fresh.

The throttle decides (`streams.kafka.throttle`), and this module does the I/O: it reads the limit
that an operator set and the freshness of the stable generation from Redis, waits, and lowers the
priority of the folding thread. A generation that serves listeners is never slowed.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis

from streams.kafka.throttle import CREDIT_EVENTS, FAR_BEHIND_RECORDS, Throttle
from streams.lifecycle.journal import Journal
from streams.lifecycle.lifecycle import Role
from streams.monitoring.replay_rate import rate_of
from streams.monitoring.worker_status import recommender_statuses
from streams.recommender_identity import RecommenderIdentity
from streams.redis_client import REDIS_UNAVAILABLE
from streams.workers.priority import Priority

PIECE_BYTES = 256 * 1024
"""About the bytes of log records that are folded before the throttle is asked again."""
_LOOK_AGAIN_S = 0.2


class BesideLive:
    """The throttle of one recommender of `generation`."""

    def __init__(
        self,
        generation: str,
        journal: Journal,
        redis: Redis,
        prefix: str = "",
        *,
        priority: Priority | None = None,
        clock: Callable[[], float] = time.monotonic,
        credit: int = CREDIT_EVENTS,
    ) -> None:
        self._generation = generation
        self._journal = journal
        self._redis = redis
        self._prefix = prefix
        self._priority = priority or Priority()
        self._clock = clock
        self._throttle = Throttle(clock(), credit)
        self._is_waiting = False

    @property
    def role(self) -> Role:
        """The generation's role now."""
        return self._journal.lifecycle.role_of(self._generation)

    @property
    def is_active(self) -> bool:
        """Whether the fold has to wait for its turns."""
        return self._throttle.is_active and not self.role.is_in_plan

    @property
    def is_far_behind(self) -> bool:
        """Whether the fold was so far behind the log's end, when it last looked, that it waits."""
        return self._throttle.behind > FAR_BEHIND_RECORDS

    async def pieces(self, records: Sequence[Any], log_end: int) -> Any:
        """The records in the pieces that may be folded together, each as soon as it may be."""
        for piece in _pieces(records) if self._is_to_wait(records, log_end) else [records]:
            self._throttle.behind = max(0, log_end - 1 - piece[-1].offset) if piece else 0
            await self._wait()
            yield piece

    def _is_to_wait(self, records: Sequence[Any], log_end: int) -> bool:
        self._throttle.behind = max(0, log_end - 1 - records[-1].offset) if records else 0
        is_far = self._throttle.behind > FAR_BEHIND_RECORDS and not self._throttle.has_credit
        if is_far and not self.role.is_in_plan:
            self._priority.lower(
                is_for_good=self.role is Role.QUIET
            )  # its next role: a new process
        else:
            self._priority.restore()
        return self.is_active

    async def _wait(self) -> None:
        while self.is_active and (wait_s := self._throttle.wait_s(self._clock())) > 0:
            self._is_waiting = True
            await asyncio.sleep(min(wait_s, _LOOK_AGAIN_S))
        self._is_waiting = False

    def folded(self, events: int) -> None:
        """Notes that `events` were folded."""
        self._throttle.folded(self._clock(), events)

    async def look(self) -> None:
        """Reads the operator's limit and the freshness of live lists; called at each heartbeat."""
        if self.role.is_in_plan:
            return
        with suppress(*REDIS_UNAVAILABLE):  # without Redis nobody reads lists
            limit = await rate_of(self._redis, self._generation, self._prefix)
            self._throttle.limit = limit
            if self.is_active and limit is None:
                self._throttle.note_live(self._clock(), await self._live_p99_ms())

    async def _live_p99_ms(self) -> float | None:
        """The worst p99 of the stable generation's shards; None if it is not known."""
        lifecycle = self._journal.lifecycle
        stable = lifecycle.generations.get(lifecycle.plan.stable)
        if stable is None:
            return None
        ids = [
            str(
                RecommenderIdentity.of_generation(
                    stable.created.name, at, stable.shards, prefix=self._prefix
                )
            )
            for at in range(stable.shards)
        ]
        found = (await recommender_statuses(self._redis, ids, self._prefix)).statuses
        known = [each.get("freshness_ms", {}).get("p99") for each in found]
        return max((float(each) for each in known if each is not None), default=None)

    def status(self) -> dict[str, Any]:
        """JSON values with stable names."""
        return {
            "behind": self._throttle.behind,
            "events_per_s_max": round(self._throttle.allowed) if self.is_active else None,
            "is_limited": self._throttle.limit is not None,
            "throttled": self._is_waiting,
            "background": self._priority.is_lowered,
        }


def _pieces(records: Sequence[Any]) -> Iterator[list[Any]]:
    """The records in portions of about `PIECE_BYTES`."""
    piece: list[Any] = []
    size = 0
    for each in records:
        piece.append(each)
        size += len(each.value or b"")
        if size >= PIECE_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece
