"""`TopicWriter` and `TopicTransactions` themselves over a simulated Kafka; no thread runs."""

import asyncio
from types import SimpleNamespace
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.publishing.redis_alone import RedisAlone
from streams.publishing.topic_transactions import Clients, TopicTransactions
from streams.publishing.topic_writer import TopicWriter
from tests.simulation.broker import Broker
from tests.simulation.edge import Edge
from topics.catalogue import RECOMMENDATIONS
from topics.codecs import Decoder

AWAY, ABORTED, BROKEN, FULL = 0.03, 0.03, 0.01, 0.02
TRANSACTIONS_OF = (1, 2, 20_000)
"""Maximum number of lists per transaction; larger publications take several."""
_decoder = Decoder(RECOMMENDATIONS.contracts)


def position_of(value: bytes) -> tuple[int, int]:
    """The log position (log epoch, as of) of an encoded list."""
    _, record = _decoder.decode(value)  # type: ignore[misc]
    return record["log_epoch"], record["as_of"]


def _failure(code: int, **how: bool) -> KafkaException:
    return KafkaException(KafkaError(code, "simulated", **how))


class TransactionalProducer:
    """The calls of librdkafka's producer that `TopicTransactions` makes."""

    def __init__(self, edge: Edge, transactional_id: str) -> None:
        self._edge = edge
        self._id = transactional_id
        self._epoch = -1
        self._pending: dict[str, bytes | None] = {}
        self._offset: tuple[str, TopicPartition] | None = None
        self._is_committed = False

    def init_transactions(self, timeout_s: float) -> None:
        """Fences other producers with the same transactional id."""
        self._edge.block("the fencing")
        owners = self._edge.broker.owners
        self._epoch = owners[self._id] = owners.get(self._id, -1) + 1

    def begin_transaction(self) -> None:
        """See confluent_kafka."""
        self._pending, self._offset, self._is_committed = {}, None, False

    def list_topics(self, topic: str, timeout_s: float) -> SimpleNamespace:
        """Says that the topic has one partition."""
        return SimpleNamespace(topics={topic: SimpleNamespace(error=None, partitions={0: None})})

    def produce(self, topic: str, *, key: str, value: bytes | None, partition: int) -> None:
        """Adds a list to the transaction."""
        self._edge.may_die("within a transaction")
        if self._edge.chance.strikes("full queue", self._edge.name, FULL):
            raise BufferError
        self._pending[key] = value

    def poll(self, seconds: float) -> None:
        """Waits until the queue has capacity."""
        self._edge.block("room in the queue")

    def send_offsets_to_transaction(self, offsets: Any, group: Any, timeout_s: float) -> None:
        """Adds the frontier to the transaction."""
        self._edge.block("a transaction's offset")
        self._may_fail("a transaction's offset")
        self._offset = (group, offsets[0])

    def commit_transaction(self, timeout_s: float) -> None:
        """Commits once, regardless of the number of calls."""
        self._edge.block("a commit of lists")
        if not self._is_committed:
            self._may_fail("a commit of lists")
            self._commit()
        self._edge.block("the commit's answer")
        if self._edge.chance.strikes("lost answer", f"{self._edge.name} transaction", AWAY):
            raise _failure(KafkaError._TIMED_OUT, retriable=True)

    def _commit(self) -> None:
        assert self._offset is not None
        group, place = self._offset
        broker = self._edge.broker
        check_order(self._edge, self._pending)
        broker.lists |= self._pending
        broker.frontiers[group] = place.metadata
        self._is_committed = True
        self._edge.note(
            self._edge.name, f"lists of {sorted(self._pending)} in the topic, {place.metadata}"
        )

    def abort_transaction(self, timeout_s: float) -> None:
        """Drops the lists of the transaction."""
        self._edge.block("an abort")
        self._check_fenced()

    def _may_fail(self, what: str) -> None:
        self._check_fenced()
        chance, place = self._edge.chance, f"{self._edge.name} {what}"
        if chance.strikes("timed out", place, AWAY):
            raise _failure(KafkaError._TIMED_OUT, retriable=True)
        if chance.strikes("aborted transaction", place, ABORTED):
            raise _failure(KafkaError.INVALID_TXN_STATE, txn_requires_abort=True)
        if chance.strikes("broken transaction", place, BROKEN):
            raise _failure(KafkaError._FATAL, fatal=True)

    def _check_fenced(self) -> None:
        if self._edge.broker.owners[self._id] != self._epoch:
            self._edge.note(self._edge.name, "is fenced")
            raise _failure(KafkaError._FENCED, fatal=True)


def check_order(edge: Edge, lists: dict[str, bytes | None]) -> None:
    """Checks that no list of the topic is replaced by an older one."""
    for listener_id, value in lists.items():
        old = edge.broker.lists.get(listener_id)
        if value is not None and old is not None and position_of(value) < position_of(old):
            what = f"{position_of(value)} after {position_of(old)}"
            edge.broker.broken.append(f"OLDER LIST in the topic: {listener_id} as of {what}")


class FrontierReader:
    """The calls of a consumer that `TopicTransactions` makes."""

    def __init__(self, broker: Broker, edge: Edge, group: str) -> None:
        self._broker, self._edge, self._group = broker, edge, group

    def committed(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        """The frontier."""
        self._edge.block("the topic's frontier")
        [place] = places
        found = self._broker.frontiers.get(self._group, "")
        return [TopicPartition(place.topic, place.partition, 0, metadata=found)]

    def consumer_group_metadata(self) -> str:
        """The group for which a transaction commits offsets."""
        return self._group

    def close(self) -> None:
        """Does nothing, because nothing is open."""


class _Wake:
    """Replaces the condition variable that wakes the thread."""

    def __init__(self, lists: "SimulatedTopicWriter") -> None:
        self._lists = lists

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    def notify(self) -> None:
        """Wakes the writer."""
        self._lists.wake()


def simulated_transactions(edge: Edge, recommender_id: str) -> TopicTransactions:
    """`TopicTransactions` itself, with simulated clients."""
    return TopicTransactions(
        recommender_id,
        lambda transactional_id, group_id: Clients(
            TransactionalProducer(edge, transactional_id),
            FrontierReader(edge.broker, edge, group_id),
        ),
        lists_max=edge.chance.pick(f"{edge.name} commits", TRANSACTIONS_OF),
        pause=lambda _: edge.block("a pause of the topic's thread"),
    )


class SimulatedTopicWriter(TopicWriter):
    """The production class with another I/O layer; steps of the loop replace its thread."""

    def __init__(self, edge: Edge, recommender_id: str) -> None:
        super().__init__(
            simulated_transactions(edge, recommender_id), clock=edge.loop.time, start=self._begin
        )
        self._edge, self._recommender_id = edge, recommender_id
        self._wake = _Wake(self)  # type: ignore[assignment]
        self._is_due = self._is_busy = False

    def renewed(self) -> TopicWriter:
        """See `TopicWriter`."""
        return SimulatedTopicWriter(self._edge, self._recommender_id)

    def _begin(self, _: object) -> Any:
        self._thread = self  # type: ignore[assignment]
        self.wake()
        return self

    def wake(self) -> None:
        """Publishes after the pause, unless that is scheduled already."""
        if self._thread is not None and not self._is_due and not self._is_busy:
            self._is_due = True
            self._edge.loop.call_later(self._pause_s, self._turn)

    @property
    def _is_taken(self) -> bool:
        """Whether the producer has a transaction, which no nested step of the loop can wait for.

        A proof goes on in its thread, though whoever asked for it was cancelled.
        """
        return self._is_busy or self._transaction.locked()

    def _turn(self) -> None:
        self._is_due = False
        if not self._gathered or self.failure is not None or self._is_busy:
            return
        if self._transaction.locked():
            self.wake()
            return
        self._is_busy = True
        try:
            self._publish_gathered()
        except Exception as error:  # as `_run` does
            self.failure = error
        self._is_busy = False
        if self._gathered:
            self.wake()

    async def prove(self) -> None:
        """See `TopicWriter.prove`; a nested step of the loop cannot wait for an outer one."""
        while self._is_taken:
            await asyncio.sleep(0.05)
        self._is_busy = True
        try:
            await super().prove()
        finally:
            self._is_busy = False
            if self._gathered:
                self.wake()

    def join(self, timeout_s: float) -> None:
        """Waits for the last transaction, in place of joining the thread."""
        until_s = self._edge.loop.time() + timeout_s
        while self._gathered and self.failure is None and not self._is_taken:
            self._turn()
        while self._is_taken and self._edge.loop.time() < until_s:
            self._edge.loop.block(self._edge.process, 0.05)


class SimulatedRedisAlone(RedisAlone):
    """The production class with another I/O layer."""

    def __init__(self, edge: Edge, recommender_id: str) -> None:
        super().__init__(simulated_transactions(edge, recommender_id))
        self._edge, self._recommender_id = edge, recommender_id

    def renewed(self) -> RedisAlone:
        """See `RedisAlone`."""
        return SimulatedRedisAlone(self._edge, self._recommender_id)
