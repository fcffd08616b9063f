"""Recommenders of the same generation and another M, whose place those of a new M take.

An identity `iofM` that nobody ran before finds no frontier of its own, and the former ones are no
longer those of its listeners. So it waits until none of another M is heard any more, fences their
transactional ids (a frozen one that wakes up publishes nothing), and publishes nothing before its
state has come to the furthest place that any of them published.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from streams.kafka.client_settings import client_settings
from streams.lists.frontier import Frontier
from streams.progress.progress_reader import ProgressReader
from streams.publishing.topic_frontier import frontier_group, topic_frontier, transactional_id
from streams.recommender_identity import RecommenderIdentity
from topics.errors import ServerError
from topics.learning_progress import LearningProgress

LISTEN_S = 2.5
"""At least twice as long as two heartbeats can be apart."""
_CALL_TIMEOUT_S = 30.0


def shard_of(recommender_id: str) -> str:
    """The `iofM` of the recommender that is called so; nothing where nobody can be.

    >>> shard_of("echotune-recommender-first-2of3")
    '2of3'
    """
    it = RecommenderIdentity.parsed(recommender_id)
    return it.place if it else ""


def formers_among(groups: Sequence[str], recommender_id: str) -> list[str]:
    """Identities of the same generation and another M of whose groups one is among `groups`.

    Whoever died before it published anything has a group that reads the log, and may yet publish.

    >>> names = ["a-0of1", "a-1of2", "a-0of3", "b-0of1", "a-0of1-0of2"]
    >>> formers_among([frontier_group(each) for each in names], "a-1of3")
    ['a-0of1', 'a-1of2']
    >>> formers_among(["a-0of1", "a-0of1-recommendations", "a-1of1", "a-1of3"], "a-0of3")
    ['a-0of1', 'a-1of1']
    """
    own = RecommenderIdentity.parsed(recommender_id)
    assert own is not None, recommender_id
    suffix = frontier_group("")
    names = {group.removesuffix(suffix) for group in groups}
    found = map(RecommenderIdentity.parsed, names)
    return sorted(str(it) for it in found if it and it.is_former_of(own))


class FormerShards:
    """What one recommender asks about those of another M.

    Every method blocks, and raises `KafkaException` or `ServerError` while Kafka is away.
    """

    def __init__(self, kafka: str, recommender_id: str) -> None:
        self._kafka = kafka
        self._recommender_id = recommender_id

    def ids(self) -> list[str]:
        """Those that ever read the log or published."""
        admin = AdminClient(client_settings(self._kafka))
        listed = _result(admin.list_consumer_groups())
        return formers_among([each.group_id for each in listed.valid], self._recommender_id)

    def alive(self, ids: Sequence[str]) -> list[str]:
        """Those of `ids` that say something while one listens."""
        if not ids:
            return []
        reader = ProgressReader(self._kafka, lambda _: None)
        reader.start()
        try:
            if not reader.wait_caught_up(_CALL_TIMEOUT_S):
                raise ServerError("Heartbeats cannot be read.", "Is Kafka up?")
            before = reader.heard()
            time.sleep(LISTEN_S)
            after = reader.heard()
        finally:
            reader.close()
        return [each for each in ids if _at_ms(after, each) != _at_ms(before, each)]

    def frontiers(self, ids: Sequence[str]) -> list[Frontier]:
        """Up to where each of `ids` published to the topic."""
        return [self._frontier(each) for each in ids]

    def fence(self, ids: Sequence[str]) -> list[Frontier]:
        """Fences `ids`; returns up to where each of them published to the topic."""
        for each in ids:
            self._fence(each)
        return self.frontiers(ids)

    def _fence(self, recommender_id: str) -> None:
        producer = Producer(
            client_settings(self._kafka) | {"transactional.id": transactional_id(recommender_id)}
        )
        try:
            producer.init_transactions(_CALL_TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() != KafkaError._FENCED:  # by another one that fences them, too
                raise

    def _frontier(self, recommender_id: str) -> Frontier:
        return topic_frontier(self._kafka, recommender_id)


def _at_ms(heard: Mapping[str, tuple[int, LearningProgress]], recommender_id: str) -> int:
    return heard[recommender_id][0] if recommender_id in heard else -1


def _result(future: "Future[Any]") -> Any:
    """What was listed, by all brokers or by none."""
    try:
        listed = future.result(_CALL_TIMEOUT_S)
    except TimeoutError as error:
        raise ServerError("Consumer groups cannot be listed.", "Is Kafka up?") from error
    if listed.errors:
        raise KafkaException(listed.errors[0])
    return listed
