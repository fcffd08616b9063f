"""What a recommender does because of the journal: its role, and the pointer that it writes."""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog
from redis.asyncio import Redis

from streams.kafka.retries import until_answered
from streams.lifecycle.journal import Journal
from streams.lifecycle.lifecycle import Role
from streams.lifecycle.pointer import PointerWriter
from streams.lifecycle.retirement import delete_snapshots, is_retired
from streams.publishing.redis_alone import RedisAlone
from streams.publishing.topic_writer import TopicWriter
from streams.redis_client import REDIS_UNAVAILABLE
from topics.errors import EchoTuneError, ServerError

_log = structlog.get_logger(__name__)
_PARKED_POLL_S = 1.0
_FOLLOW_EVERY_S = 0.25


def wait_while_parked(journal: Journal, generation: str, home: Path) -> Role:
    """Blocks until the generation has something to do; returns its role.

    Snapshots in `home` of a generation that is retired are deleted, because they hold listeners.
    """
    is_said = False
    while (role := journal.lifecycle.role_of(generation)) is Role.PARKED:
        if not is_said:
            _log.info("parked: `echotune generations start` starts it", generation=generation)
        is_said = True
        if is_retired(journal.lifecycle, generation):
            delete_snapshots(home, generation, journal.prefix)
        time.sleep(_PARKED_POLL_S)
        with suppress(EchoTuneError):  # Kafka is away, or this worker is too old: the role stays
            journal.read()
    return role


def stop_this_process() -> None:
    """Ends this process in order: whoever supervises it starts it again in its new role."""
    os.kill(os.getpid(), signal.SIGTERM)


class ServingOfJournal:
    """The role of one generation, as a recommender acts on it; see `Serving`.

    A change between roles with and without lists needs another process, which a supervisor starts;
    this one publishes nothing more than it has begun to.
    """

    def __init__(
        self,
        journal: Journal,
        generation: str,
        topic: TopicWriter,
        alone: RedisAlone,
        redis: Redis,
        *,
        prefix: str = "",
        stop: Callable[[], None] = stop_this_process,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._generation = generation
        self._topic = topic
        self._alone = alone
        self._pointer = PointerWriter(redis, journal, prefix, clock)
        self._stop = stop
        self._is_stopping = False
        self.role = journal.lifecycle.role_of(generation)
        self.publishes, self.holds_topic = self.role.publishes, self.role is Role.STABLE

    def first_topic(self) -> TopicWriter:
        """What the first takeover writes to."""
        return self._topic if self.holds_topic else self._alone

    def next_topic(self, former: TopicWriter) -> TopicWriter:
        """See `Serving.next_topic`."""
        return (self._topic if self.holds_topic else self._alone).renewed()

    def follow(self) -> None:
        """Starts to follow the journal in a thread, because a Kafka that is away blocks a read."""
        threading.Thread(target=self._follow, name="journal", daemon=True).start()

    def _follow(self) -> None:
        while True:
            try:
                self._journal.read()
            except ServerError:
                pass  # Kafka is away: the role stays
            except EchoTuneError as error:  # whoever cannot read a record changes nothing any more
                _log.error("the journal cannot be read: the role stays", error=str(error))
                return
            time.sleep(_FOLLOW_EVERY_S)

    async def has_changed(self) -> bool:
        """See `Serving.has_changed`."""
        await until_answered(self._journal.read)
        return await self.notices_change()

    async def notices_change(self) -> bool:
        """See `Serving.notices_change`; also writes the pointer if the plan has this generation."""
        before, self.role = self.role, self._journal.lifecycle.role_of(self._generation)
        if self.role is not before:
            _log.info(
                "the generation has another role", generation=self._generation, role=self.role
            )
        if self._is_stopping:
            return False
        if self.role is Role.PARKED or self.role.publishes != self.publishes:
            self._is_stopping = True
            self.publishes = False
            self._stop()
            return False
        if self.role.is_in_plan:
            await self._write_pointer()
        was_holder, self.holds_topic = self.holds_topic, self.role is Role.STABLE
        return was_holder != self.holds_topic

    async def _write_pointer(self) -> None:
        plan = self._journal.lifecycle.plan
        try:
            if await self._pointer.write():
                _log.info("the pointer follows the plan", stable=plan.stable, canary=plan.canary)
        except REDIS_UNAVAILABLE:
            return  # the next heartbeat tries again
