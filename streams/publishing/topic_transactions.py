"""The transactional producer of the topic `recommendations`, and the frontier that it commits.

The transactional id belongs to the generation and shard, so that a new owner fences the former one;
otherwise compaction could keep a late write of the former owner. Each owner has a number, which its
first transaction claims. The frontier is committed in the same transaction as the lists, as the
offset and metadata of its own consumer group.
"""

import threading
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from streams.kafka.client_settings import client_settings
from streams.lists.frontier import NOTHING_PUBLISHED, Frontier, frontier_of
from streams.publishing.gathered_lists import Lists
from streams.publishing.topic_frontier import frontier_group, transactional_id
from topics.catalogue import LEARNING_LOG, RECOMMENDATIONS

_log = structlog.get_logger(__name__)
LISTS_A_TRANSACTION_MAX = 20_000
"""More lists take several transactions: a broker aborts one that lasts longer than a minute."""
_CALL_TIMEOUT_S = 30.0
_RETRY_S = 0.2
_BY_KEY = -1
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


class Clients(NamedTuple):
    """A transactional producer, and a consumer of the group that holds the frontier."""

    producer: Any
    consumer: Any


Connect = Callable[[str, str], Clients]
"""Transactional id, group id → new clients; does not wait for the broker."""


def clients_of(kafka: str) -> Connect:
    """A function that makes clients of the cluster with the bootstrap servers `kafka`."""
    return partial(_clients, kafka)


def _clients(kafka: str, transactional_id: str, group_id: str) -> Clients:
    group = {"group.id": group_id, "enable.auto.commit": False}
    transactional = {
        "transactional.id": transactional_id,
        "partitioner": "murmur2_random",
        "compression.type": "lz4",
        "linger.ms": 5,
        "queue.buffering.max.messages": 200_000,
    }
    settings = client_settings(kafka)
    return Clients(Producer(settings | transactional), Consumer(settings | group))


class TopicTransactions:
    """The transactions of one recommender, one at a time; its calls block.

    Call `open`, then `claim`, then `commit` whenever there is something to publish. Any thread may
    set `ended`: a call that waits or would retry then raises `ConnectionAbortedError` or Kafka's
    last error.
    """

    def __init__(
        self,
        recommender_id: str,
        connect: Connect,
        *,
        prefix: str = "",
        lists_max: int = LISTS_A_TRANSACTION_MAX,
        pause: Callable[[float], Any] | None = None,
    ) -> None:
        """`prefix` begins the names of topics and transactional ids of an installation.

        `pause` waits for the given seconds between two attempts; tests replace it.
        """
        self._recommender_id = recommender_id
        self._transactional_id = transactional_id(recommender_id, prefix)
        self._prefix = prefix
        self._topic = prefix + RECOMMENDATIONS.name
        self._connect = connect
        self._lists_max = lists_max
        self._fencing = threading.RLock()
        """Held while a producer is initialised: a late call would fence its successor."""
        self.ended = threading.Event()
        """Once it is set, no call waits or retries any more."""
        self._pause = pause or self.ended.wait
        self._clients: Clients | None = None
        self._group: Any = None
        """The consumer's group, which outlives the consumer."""
        self.published = NOTHING_PUBLISHED
        """Frontier of the newest transaction, which may be the former owner's."""

    @property
    def _producer(self) -> Any:
        assert self._clients is not None, "open() comes first"
        return self._clients.producer

    @property
    def _consumer(self) -> Any:
        assert self._clients is not None, "open() comes first"
        return self._clients.consumer

    def open(self) -> Frontier:
        """Fences any former owner and returns the committed frontier; waits while Kafka is away.

        Call `claim` next. Raises `KafkaException` if a later owner has fenced this one.
        """
        place = TopicPartition(self._prefix + LEARNING_LOG.name, 0)
        with self._fencing:
            group = frontier_group(self._recommender_id)
            self._clients = self._connect(self._transactional_id, group)
            try:
                self._once_ready(lambda: self._producer.init_transactions(_CALL_TIMEOUT_S))
                [committed] = self._once_ready(
                    lambda: self._consumer.committed([place], timeout=_CALL_TIMEOUT_S)
                )
            except BaseException:
                self._clients = None  # else librdkafka continues, and fences a later owner
                raise
        self._group = self._consumer.consumer_group_metadata()
        self.published = frontier_of(committed.metadata)
        return self.published

    def claim(self, owner: int) -> None:
        """Commits the frontier with the number of the new owner.

        Raises `KafkaException` if a later owner has fenced this one.
        """
        self._commit_frontier(self.published._replace(owner=owner))

    def prove(self) -> None:
        """Commits the frontier as it is, which Kafka allows nobody but the present owner.

        Raises `KafkaException` if a later owner has fenced this one.
        """
        self._commit_frontier(self.published)

    def _commit_frontier(self, frontier: Frontier) -> None:
        """Commits a frontier without lists; again until Kafka takes it."""
        while True:
            self._check_wanted()
            try:
                return self.commit({}, frontier)
            except KafkaException as failure:
                if failure.args[0].fatal():
                    raise
                self.recover(failure)
                self._pause(_RETRY_S)

    def commit(self, lists: Lists, frontier: Frontier, schema_id: int | None = None) -> None:
        """Commits `lists` under a schema id, in as many transactions as they need.

        Removes from `lists` those that an earlier transaction of this call has committed. After a
        `KafkaException` that is not fatal, call `recover` before the next transaction.
        """
        while len(lists) > self._lists_max:
            part = dict(islice(lists.items(), self._lists_max))
            self._transact(part, frontier.reached_in_part(self.published), schema_id)
            for listener_id in part:
                del lists[listener_id]
        self._transact(lists, frontier, schema_id)

    def _transact(self, lists: Lists, frontier: Frontier, schema_id: int | None) -> None:
        self._producer.begin_transaction()
        erased = [listener_id for listener_id, each in lists.items() if each is None]
        for listener_id, each in lists.items():
            if each is not None:
                self._produce(listener_id, each.encoded(schema_id))
        for partition in self._partitions() if erased else ():
            for listener_id in erased:
                self._produce(listener_id, None, partition)
        log, text = self._prefix + LEARNING_LOG.name, frontier.text()
        offset = TopicPartition(log, 0, frontier.as_of + 1, metadata=text)
        self._retried(
            lambda: self._producer.send_offsets_to_transaction(
                [offset], self._group, _CALL_TIMEOUT_S
            )
        )
        self._retried(lambda: self._producer.commit_transaction(_CALL_TIMEOUT_S))
        self.published = frontier

    def recover(self, failure: KafkaException) -> None:
        """Aborts the failed transaction so that the next can begin; raises fatal errors."""
        try:
            self._retried(lambda: self._producer.abort_transaction(_CALL_TIMEOUT_S))
        except KafkaException as error:
            raise error from failure

    def close(self) -> None:
        """Closes the consumer; only the thread that commits may call it."""
        self._consumer.close()

    def renewed(self) -> "TopicTransactions":
        """New transactions of the same identity, not opened yet."""
        it = TopicTransactions(
            self._recommender_id, self._connect, prefix=self._prefix, lists_max=self._lists_max
        )
        it._fencing = self._fencing
        return it

    def _check_wanted(self) -> None:
        if self.ended.is_set():
            raise ConnectionAbortedError("the transactions were ended")

    def _once_ready(self, call: Callable[[], Any]) -> Any:
        """Repeats `call` while the broker is unavailable, or has no coordinators yet."""
        is_logged = False
        while True:
            self._check_wanted()
            try:
                return call()
            except KafkaException as error:
                if not (error.args[0].retriable() or error.args[0].code() in _NOT_READY):
                    raise
                if not is_logged:
                    _log.warning("lists wait for kafka", error=str(error))
                is_logged = True
                self._pause(_RETRY_S)

    def _retried(self, call: Callable[[], None]) -> None:
        """Repeats `call`, with pauses, while librdkafka marks its error as retriable."""
        while True:
            try:
                return call()
            except KafkaException as error:
                if self.ended.is_set() or not error.args[0].retriable():
                    raise
                self._pause(_RETRY_S)

    def _partitions(self) -> Iterable[int]:
        """All partitions: tombstones go to each, because a former one may hold an older list.

        A key has another partition once somebody has raised their number. Raises `KafkaException`
        while the partitions are unknown, for example because their leader is being elected.
        """
        found = self._producer.list_topics(self._topic, _CALL_TIMEOUT_S).topics[self._topic]
        if found.error is not None or not found.partitions:
            raise KafkaException(found.error or KafkaError(KafkaError.LEADER_NOT_AVAILABLE))
        return sorted(found.partitions)

    def _produce(self, listener_id: str, value: bytes | None, partition: int = _BY_KEY) -> None:
        while True:
            try:
                self._producer.produce(
                    self._topic, key=listener_id, value=value, partition=partition
                )
                return
            except BufferError:
                self._check_wanted()
                self._producer.poll(0.1)
