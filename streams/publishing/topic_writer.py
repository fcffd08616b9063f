"""Publishes lists, and tombstones of erased listeners, to the compacted topic `recommendations`.

It never delays Redis. One transaction with a bounded number of lists runs at a time. Publications
that arrive meanwhile are buffered, and only the newest list of a listener is kept.
`topic_transactions` defines a transaction and the fencing of a former owner.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException

from streams.kafka.refusals import refused_right
from streams.lists.frontier import Frontier
from streams.lists.list_store import Publication
from streams.publishing.gathered_lists import GatheredLists
from streams.publishing.topic_transactions import TopicTransactions
from streams.registry.registered_id import RegisteredId
from topics.catalogue import RECOMMENDATIONS
from topics.errors import LogError

GATHER_S = 0.1
GATHER_MAX_S = 1.0
"""Bounds of the pause between transactions: each costs about 30 ms, regardless of its size."""
SHARE_MAX = 0.25
"""Share of the time that transactions may take: after a long one the pause is longer."""
_CLOSE_TIMEOUT_S = 5.0


def _started(run: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=run, name="recommendations", daemon=True)
    thread.start()
    return thread


class TopicWriter:
    """Writes one recommender's lists to the topic; its thread starts with `claim`."""

    writes_lists = True

    def __init__(
        self,
        transactions: TopicTransactions,
        schema_id: RegisteredId | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        start: Callable[[Callable[[], None]], threading.Thread] = _started,
    ) -> None:
        """Without `schema_id`, lists are written with the fixed id of their contract."""
        self._transactions = transactions
        self._schema_id = schema_id or RegisteredId(None, RECOMMENDATIONS)
        self._clock = clock
        self._start = start
        self._gathered = GatheredLists()
        self._wake = threading.Condition()
        self._transaction = threading.Lock()
        """Held during a transaction, because a producer has one at a time."""
        self._pause_s = GATHER_S
        self._thread: threading.Thread | None = None
        self.failure: Exception | None = None

    @property
    def published(self) -> Frontier:
        """The frontier up to which the topic has all lists."""
        return self._transactions.published

    @property
    def schema_registry_error(self) -> str | None:
        """Why the registry has not given a schema id yet; None if nothing waits for it."""
        return self._schema_id.error

    def open(self) -> Frontier:
        """Fences any former owner and returns the committed frontier; blocks for a round trip.

        Call `claim` next. Raises like `check` if Kafka refuses.
        """
        with self._final():
            return self._transactions.open()

    def claim(self, owner: int) -> None:
        """Commits the frontier with the new owner's number, and starts to publish; blocks.

        Raises like `check` if a later owner has fenced this one, or if this one was abandoned.
        """
        with self._final():
            self._transactions.claim(owner)
        self._thread = self._start(self._run)

    async def prove(self) -> None:
        """Returns once Kafka has shown, after the call, that no later owner has fenced this one.

        Raises like `check`; waits while Kafka is away.
        """
        await asyncio.to_thread(self._prove)

    def _prove(self) -> None:
        with self._transaction, self._final():
            self._transactions.prove()

    def note_redis(self, frontier: Frontier) -> None:
        """Does nothing: the topic has a frontier of its own."""

    @contextmanager
    def _final(self) -> Iterator[None]:
        """An error that is raised here ends the writer; `check` raises it from then on."""
        try:
            yield
        except (KafkaException, ConnectionAbortedError) as failure:
            self.failure = self.failure or failure
            self.check()

    def offer(self, publication: Publication) -> None:
        """Buffers lists, to be published with their frontier in one transaction; never blocks.

        Raises like `check`.
        """
        self.check()
        with self._wake:
            if self._gathered.add(publication):
                self._wake.notify()

    def fence(self) -> None:
        """Publishes nothing more, because Redis knows a later owner."""
        self.failure = self.failure or PermissionError("Redis knows a later owner")
        self.abandon()

    @property
    def is_fenced(self) -> bool:
        """Whether Kafka has fenced this writer's transactional id."""
        known = self.failure.args[0] if isinstance(self.failure, KafkaException) else None
        return known is not None and known.code() == KafkaError._FENCED

    def check(self) -> None:
        """Raises `LogError`, or `RefusedError` for a missing right, once publishing has ended."""
        if self.failure is not None:
            if (refused := refused_right("", self.failure)) is not None:
                raise refused from self.failure
            raise LogError(
                f"Lists can no longer be published to {RECOMMENDATIONS.name}: {self.failure!r}.",
                "Start the recommender again. If it was fenced, another of its identity took over.",
            ) from self.failure

    def close(self) -> None:
        """Publishes the buffered lists and ends the thread."""
        with self._wake:
            self._transactions.ended.set()
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(_CLOSE_TIMEOUT_S)

    def abandon(self) -> None:
        """Ends the thread without publishing the buffer; the next owner does. Never blocks."""
        with self._wake:
            self._transactions.ended.set()
            self._gathered.clear()
            self._wake.notify()

    def renewed(self) -> "TopicWriter":
        """A new writer of the same identity, not opened yet."""
        transactions, schema_id = self._transactions.renewed(), self._schema_id.renewed()
        return TopicWriter(transactions, schema_id, clock=self._clock, start=self._start)

    def _run(self) -> None:
        try:
            if self._schema_id.wait(self._transactions.ended):
                while self._wait():
                    self._publish_gathered()
            self._transactions.close()
        except Exception as error:  # the next offer raises it, and the worker stops
            self.failure = error

    def _wait(self) -> bool:
        is_ended = self._transactions.ended.is_set
        with self._wake:
            self._wake.wait_for(lambda: self._gathered or is_ended())
            self._wake.wait_for(is_ended, self._pause_s)
            return bool(self._gathered)

    def _publish_gathered(self) -> None:
        with self._wake:
            lists, frontier = self._gathered.take()
        began = self._clock()
        with self._transaction:
            try:
                self._transactions.commit(lists, frontier, self._schema_id.value)
                self._pause_s = _pause_after(self._clock() - began)
            except KafkaException as failure:
                if failure.args[0].fatal() or self._transactions.ended.is_set():
                    raise
                with self._wake:
                    self._gathered.give_back(lists, frontier)
                self._transactions.recover(failure)


def _pause_after(transaction_s: float) -> float:
    return min(max(GATHER_S, transaction_s * (1 / SHARE_MAX - 1)), GATHER_MAX_S)
