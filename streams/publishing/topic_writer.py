"""Publishes lists to the compacted topic `recommendations`, in transactions, off the Redis path.

The producer's transactional id is that of the generation and shard, so a new owner fences the old
one, whose late write would otherwise be what compaction keeps; each owner has a number, which its
first transaction claims. One transaction runs at a time, of a bounded number of lists;
what changes meanwhile is gathered, the newest list of a listener wins. The frontier is committed
in the same transaction, as offset and metadata of a consumer group of its own.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from streams.kafka.client_settings import client_settings
from streams.lists.frontier import NOTHING_PUBLISHED, Frontier, frontier_of
from streams.lists.list_store import Publication
from streams.publishing.topic_frontier import lists_group, transactional_id
from streams.registry.contracts import registered_id, subject_of
from streams.registry.schema_registry import SchemaRegistry
from topics.catalogue import LEARNING_LOG, RECOMMENDATIONS
from topics.errors import EchoTuneError, LogError
from topics.recommendation_list import RecommendationList

_log = structlog.get_logger(__name__)
GATHER_S = 0.1
GATHER_MAX_S = 1.0
"""Pauses between transactions: one costs about 30 ms whatever its size."""
LISTS_A_TRANSACTION_MAX = 20_000
"""More of them take several: a broker aborts what takes longer than a minute."""
SHARE_MAX = 0.25
"""Share of the time that transactions take: after a long one the next gathers for longer."""
_CALL_TIMEOUT_S = 30.0
_CLOSE_TIMEOUT_S = 5.0
_RETRY_S = 0.2
_SCHEMA_AGAIN_S = 5.0
_REMEDY = "echotune schemas apply"
_NOT_READY = frozenset(
    {
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._TRANSPORT,
        KafkaError._TIMED_OUT,
    }
)


class TopicWriter:
    """The recommendations topic as one recommender writes it; its thread starts with `open`."""

    def __init__(
        self,
        kafka: str,
        recommender_id: str,
        registry: SchemaRegistry | None = None,
        *,
        lists_a_transaction_max: int = LISTS_A_TRANSACTION_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kafka = kafka
        self._registry = registry
        self._schema_id: int | None = None
        self._lists_max = lists_a_transaction_max
        self._clock = clock
        self._recommender_id = recommender_id
        self._transactional_id = transactional_id(recommender_id)
        self._group_id = lists_group(recommender_id)
        self._begun: dict[str, RecommendationList | None] = {}
        """Of a publication whose last part is yet to be offered."""
        self._pending: dict[str, RecommendationList | None] = {}
        self._frontier: Frontier | None = None
        self._fencing = threading.RLock()
        """One at a time for an identity in this process: who comes late fences its successor."""
        self._wake = threading.Condition()
        self._closing = False
        self._pause_s = GATHER_S
        self._thread: threading.Thread | None = None
        self.failure: Exception | None = None
        self.schema_registry_error: str | None = None
        """Why lists wait for the registry before the first of them is written."""
        self.published = NOTHING_PUBLISHED

    def open(self) -> Frontier:
        """Fences any former owner and returns the committed frontier; blocks for a round trip.

        `claim` has to follow. Raises as `check` does where Kafka will not have it.
        """
        place = TopicPartition(LEARNING_LOG.name, 0)
        with self._final(), self._fencing:
            self._connect()
            try:
                self._once_ready(lambda: self._producer.init_transactions(_CALL_TIMEOUT_S))
                [committed] = self._once_ready(
                    lambda: self._consumer.committed([place], timeout=_CALL_TIMEOUT_S)
                )
            except BaseException:
                del self._producer  # librdkafka would go on by itself, and fence whoever comes next
                raise
        self.published = frontier_of(committed.metadata)
        return self.published

    def claim(self, owner: int) -> None:
        """Commits the frontier as the new owner's, and begins to publish; blocks.

        Raises as `check` does where a later one has fenced this one, or this was abandoned.
        """
        claimed = self.published._replace(owner=owner)
        with self._final():
            while self.published != claimed:
                self._check_wanted()
                self._try_to_claim(claimed)
        self._begin()

    def _try_to_claim(self, claimed: Frontier) -> None:
        try:
            self._transact({}, claimed)
            self.published = claimed
        except KafkaException as failure:
            if failure.args[0].fatal():
                raise
            self._recover(failure)
            self._pause(_RETRY_S)

    @contextmanager
    def _final(self) -> Iterator[None]:
        """What Kafka raises here ends it: as `check` says it."""
        try:
            yield
        except KafkaException as failure:
            self.failure = failure
            self.check()

    def _check_wanted(self) -> None:
        if self._closing:
            self.failure = self.failure or ConnectionAbortedError("they are another's now")
            self.check()

    def _pause(self, seconds: float) -> None:
        with self._wake:
            self._wake.wait_for(lambda: self._closing, seconds)

    def _connect(self) -> None:
        self._consumer = Consumer(
            client_settings(self._kafka) | {"group.id": self._group_id, "enable.auto.commit": False}
        )
        self._producer = Producer(
            client_settings(self._kafka)
            | {
                "transactional.id": self._transactional_id,
                "partitioner": "murmur2_random",
                "compression.type": "lz4",
                "linger.ms": 5,
                "queue.buffering.max.messages": 200_000,
            }
        )

    def _begin(self) -> None:
        self._thread = threading.Thread(target=self._run, name="recommendations", daemon=True)
        self._thread.start()

    def _once_ready(self, call: Callable[[], Any]) -> Any:
        """Repeats `call` while the broker is away, or has no coordinators yet."""
        said = False
        while True:
            self._check_wanted()
            try:
                return call()
            except KafkaException as error:
                if not (error.args[0].retriable() or error.args[0].code() in _NOT_READY):
                    raise
                if not said:
                    _log.warning("lists wait for kafka", error=str(error))
                said = True
                self._pause(_RETRY_S)

    def offer(self, publication: Publication) -> None:
        """Takes lists to be published with their frontier, in one transaction; never blocks.

        Raises as `check` does.
        """
        self.check()
        with self._wake:
            self._begun |= {each.listener_id: each for each in publication.lists}
            self._begun |= dict.fromkeys(publication.erased)
            if publication.more_follow:
                return
            self._pending |= self._begun
            self._begun, self._frontier = {}, publication.frontier
            self._wake.notify()

    def fence(self) -> None:
        """Publishes no more: Redis says that a later owner has taken over."""
        self.failure = self.failure or PermissionError("Redis knows a later owner")
        self.abandon()

    def check(self) -> None:
        """Raises `LogError` once nothing can be published any more."""
        if self.failure is not None:
            raise LogError(
                f"Lists can no longer be published to {RECOMMENDATIONS.name}: {self.failure!r}.",
                "Start the recommender again. If it was fenced, another of its identity took over.",
            ) from self.failure

    def close(self) -> None:
        """Publishes what is pending and ends the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(_CLOSE_TIMEOUT_S)

    def abandon(self) -> None:
        """Ends the thread; what is pending is for whoever took over to publish. Never blocks."""
        with self._wake:
            self._closing = True
            self._begun, self._pending, self._frontier = {}, {}, None
            self._wake.notify()

    def renewed(self) -> "TopicWriter":
        """Another one of the same identity, not opened yet."""
        it = TopicWriter(
            self._kafka,
            self._recommender_id,
            self._registry,
            lists_a_transaction_max=self._lists_max,
            clock=self._clock,
        )
        it._fencing = self._fencing
        return it

    def _run(self) -> None:
        try:
            if self._registry is not None:
                self._schema_id = self._registered_id(self._registry)
            while self._wait() and self._has_schema:
                self._publish_pending()
            self._consumer.close()
        except Exception as error:  # said by the next offer, which stops the worker
            self.failure = error

    def _registered_id(self, registry: SchemaRegistry) -> int | None:
        """Id of the contract in the registry, however long that takes; meanwhile lists gather.

        Whoever reads with a registry could not read lists under a fixed id.
        """
        while not self._closing:
            try:
                found = registered_id(registry, RECOMMENDATIONS)
                error = None if found else f"{subject_of(RECOMMENDATIONS)} lacks the contract"
            except EchoTuneError as failure:
                found, error = None, failure.message
            if error and not self.schema_registry_error:
                _log.warning("lists wait for the schema registry", error=error, remedy=_REMEDY)
            self.schema_registry_error = error
            if found:
                return found
            self._pause(_SCHEMA_AGAIN_S)
        return None

    @property
    def _has_schema(self) -> bool:
        return self._registry is None or self._schema_id is not None

    def _wait(self) -> bool:
        with self._wake:
            self._wake.wait_for(lambda: self._frontier is not None or self._closing)
            if not self._closing:
                self._wake.wait_for(lambda: self._closing, self._pause_s)
            return self._frontier is not None

    def _publish_pending(self) -> None:
        with self._wake:
            lists, self._pending = self._pending, {}
            frontier, self._frontier = self._frontier, None
        assert frontier is not None
        began = self._clock()
        try:
            self._commit(lists, frontier)
            self._pause_s = _pause_after(self._clock() - began)
        except KafkaException as failure:
            if failure.args[0].fatal() or self._closing:
                raise
            self._give_back(lists, frontier)
            self._recover(failure)

    def _commit(self, lists: dict[str, RecommendationList | None], frontier: Frontier) -> None:
        """Commits all of `lists`, in as many transactions as they need; takes out what has been."""
        while len(lists) > self._lists_max:
            part = dict(islice(lists.items(), self._lists_max))
            reached = frontier.reached_in_part(self.published)
            self._transact(part, reached)
            self.published = reached
            for listener_id in part:
                del lists[listener_id]
        self._transact(lists, frontier)
        self.published = frontier

    def _transact(self, lists: dict[str, RecommendationList | None], frontier: Frontier) -> None:
        self._producer.begin_transaction()
        for listener_id, each in lists.items():
            self._produce(listener_id, None if each is None else each.encoded(self._schema_id))
        offset = TopicPartition(LEARNING_LOG.name, 0, frontier.as_of + 1, metadata=frontier.text())
        group = self._consumer.consumer_group_metadata()
        self._retried(
            lambda: self._producer.send_offsets_to_transaction([offset], group, _CALL_TIMEOUT_S)
        )
        self._retried(lambda: self._producer.commit_transaction(_CALL_TIMEOUT_S))

    def _retried(self, call: Callable[[], None]) -> None:
        """Repeats `call` as long as librdkafka says that the same call may succeed yet."""
        while True:
            try:
                return call()
            except KafkaException as error:
                if self._closing or not error.args[0].retriable():
                    raise

    def _produce(self, listener_id: str, value: bytes | None) -> None:
        while True:
            try:
                self._producer.produce(RECOMMENDATIONS.name, key=listener_id, value=value)
                return
            except BufferError:
                self._producer.poll(0.1)

    def _give_back(self, lists: dict[str, RecommendationList | None], frontier: Frontier) -> None:
        with self._wake:
            self._pending = lists | self._pending
            self._frontier = self._frontier or frontier

    def _recover(self, failure: KafkaException) -> None:
        """Ends the failed transaction so that the next can begin; raises where that is fatal."""
        try:
            self._retried(lambda: self._producer.abort_transaction(_CALL_TIMEOUT_S))
        except KafkaException as error:
            raise error from failure


def _pause_after(transaction_s: float) -> float:
    return min(max(GATHER_S, transaction_s * (1 / SHARE_MAX - 1)), GATHER_MAX_S)
