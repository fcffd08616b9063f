"""An in-memory Kafka with transactions, as `TopicTransactions` sees it through its clients."""

from types import SimpleNamespace

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.lists.frontier import Frontier, frontier_of
from streams.lists.list_store import Publication
from streams.publishing.topic_transactions import Clients, TopicTransactions
from topics.catalogue import RECOMMENDATIONS
from topics.codecs import Decoder
from topics.recommendation_list import RecommendationList

RECOMMENDER_ID = "echotune-recommender-first-0of1"
_decoder = Decoder(RECOMMENDATIONS.contracts)


def a_list(listener_id: str, as_of: int) -> RecommendationList:
    """A list without tracks."""
    return RecommendationList(
        listener_id=listener_id,
        generation="first",
        shard=0,
        log_epoch=0,
        as_of=as_of,
        event_time=0,
        items=(),
    )


def a_publication(listener_id: str, as_of: int, *, more_follow: bool = False) -> Publication:
    """A publication with one list, or a part of one."""
    frontier = Frontier(0, as_of, serial=as_of)
    return Publication([a_list(listener_id, as_of)], (), frontier, more_follow=more_follow)


def error_of(code: int, **how: bool) -> KafkaException:
    """An exception as librdkafka raises it."""
    return KafkaException(KafkaError(code, "simulated", **how))


class KeptTransactions:
    """Both clients in one; keeps committed transactions as ({listener: as_of or None}, frontier).

    `failures` maps a call's name to the errors of its next calls; None lets a call pass.
    """

    def __init__(self) -> None:
        self.kept: list[tuple[dict[str, int | None], Frontier]] = []
        self.failures: dict[str, list[KafkaException | None]] = {}
        self.calls: list[str] = []
        self.metadata = ""
        self._lists: dict[str, int | None] = {}
        self._offset: TopicPartition | None = None

    def connected(self, *_: str) -> Clients:
        """See `Connect`."""
        return Clients(self, self)

    def transactions(self, *, lists_max: int = 1_000) -> TopicTransactions:
        """Transactions with this Kafka, without pauses."""
        return TopicTransactions(
            RECOMMENDER_ID, self.connected, lists_max=lists_max, pause=lambda _: None
        )

    def called(self, name: str) -> None:
        """Notes a call, and raises its next error if there is one."""
        self.calls.append(name)
        failures = self.failures.get(name)
        if failures and (failure := failures.pop(0)) is not None:
            raise failure

    def init_transactions(self, timeout_s: float) -> None:
        """See confluent_kafka, also for the methods below."""
        self.called("init")

    def committed(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        self.called("committed")
        [place] = places
        return [TopicPartition(place.topic, place.partition, 0, metadata=self.metadata)]

    def consumer_group_metadata(self) -> str:
        return ""

    def begin_transaction(self) -> None:
        self._lists = {}

    def list_topics(self, topic: str, timeout_s: float) -> SimpleNamespace:
        """The topic has one partition; a failure of "partitions" says that it is not known."""
        error, partitions = None, {0: None}
        try:
            self.called("partitions")
        except KafkaException as failure:
            error, partitions = failure.args[0], {}
        found = SimpleNamespace(error=error, partitions=partitions)
        return SimpleNamespace(topics={topic: found})

    def produce(self, topic: str, *, key: str, value: bytes | None, partition: int) -> None:
        decoded = None if value is None else _decoder.decode(value)
        self._lists[key] = None if decoded is None else decoded[1]["as_of"]

    def send_offsets_to_transaction(self, offsets: list[TopicPartition], *_: object) -> None:
        self.called("offsets")
        [self._offset] = offsets

    def commit_transaction(self, timeout_s: float) -> None:
        self.called("commit")
        assert self._offset is not None
        self.metadata = self._offset.metadata
        self.kept.append((self._lists, frontier_of(self.metadata)))

    def abort_transaction(self, timeout_s: float) -> None:
        self.called("abort")

    def close(self) -> None:
        self.called("close")
