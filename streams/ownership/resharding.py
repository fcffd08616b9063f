"""Former shards: recommenders of the same generation and another M, which resharding replaces.

A new identity `i of M` has no frontier of its own, and the former shards' listeners are not its
own. So it waits until no recommender of another M is alive. It fences their transactional ids, so
that a frozen process that wakes up publishes nothing. And it publishes nothing before its state has
reached the furthest log position that any of them published.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from streams.heartbeats.heartbeat_reader import HeartbeatReader
from streams.kafka.client_settings import client_settings
from streams.kafka.cluster import prefixed
from streams.lists.frontier import Frontier
from streams.publishing.topic_frontier import frontier_group, topic_frontier, transactional_id
from streams.recommender_identity import RecommenderIdentity
from topics.errors import ServerError
from topics.learning_progress import LearningProgress

LIVENESS_WINDOW_S = 2.5
"""How long heartbeats are awaited, in seconds: at least twice their largest interval."""
_CALL_TIMEOUT_S = 30.0


def shard_of(recommender_id: str) -> str:
    """The `iofM` of a recommender's id; empty if the id is not one of a recommender.

    >>> shard_of("echotune-recommender-first-2of3")
    '2of3'
    """
    identity = RecommenderIdentity.parsed(recommender_id)
    return identity.place if identity else ""


def former_shards_among(groups: Sequence[str], recommender_id: str) -> list[str]:
    """Identities of the same generation and another M that have a consumer group in `groups`.

    A recommender that has published nothing yet has a group only for reading the log. It counts,
    because it may still publish.

    >>> names = ["a-0of1", "a-1of2", "a-0of3", "b-0of1", "a-0of1-0of2"]
    >>> former_shards_among([frontier_group(each) for each in names], "a-1of3")
    ['a-0of1', 'a-1of2']
    >>> former_shards_among(["a-0of1", "a-0of1-recommendations", "a-1of1", "a-1of3"], "a-0of3")
    ['a-0of1', 'a-1of1']
    """
    own = RecommenderIdentity.parsed(recommender_id)
    assert own is not None, recommender_id
    return sorted(str(each) for each in _identities(groups) if each.is_former_of(own))


def rivals_among(groups: Sequence[str], recommender_id: str, prefix: str = "") -> list[str]:
    """Identities of other generations of this installation that have a consumer group.

    >>> names = ["echotune-recommender-a-0of1", "echotune-recommender-b-0of1", "other-0of1"]
    >>> rivals_among([frontier_group(each) for each in names], "echotune-recommender-a-0of2")
    ['echotune-recommender-b-0of1']
    """
    own = RecommenderIdentity.parsed(recommender_id)
    assert own is not None, recommender_id
    every = RecommenderIdentity.of_generation("", 0, 1, prefix=prefix).family
    others = [each for each in _identities(groups) if each.family.startswith(every)]
    return sorted(str(each) for each in others if each.family != own.family)


def identities_among(groups: Sequence[str], generation: str, prefix: str = "") -> list[str]:
    """Identities of a generation that have a consumer group.

    >>> identities_among(["echotune-recommender-a-0of1", "echotune-recommender-ab-0of1"], "a")
    ['echotune-recommender-a-0of1']
    """
    family = RecommenderIdentity.of_generation(generation, 0, 1, prefix=prefix).family
    return sorted(str(each) for each in _identities(groups) if each.family == family)


def _identities(groups: Sequence[str]) -> set[RecommenderIdentity]:
    """The identities that read the log or published, by the names of their consumer groups."""
    names = {group.removesuffix(frontier_group("")) for group in groups}
    return {each for each in map(RecommenderIdentity.parsed, names) if each}


class FormerShards:
    """Finds and fences the recommenders of another M, for one recommender.

    Every method blocks, and raises `KafkaException` or `ServerError` while Kafka is unavailable.
    """

    def __init__(self, kafka: str, recommender_id: str) -> None:
        self._kafka = kafka
        self._recommender_id = recommender_id

    def ids(self) -> list[str]:
        """Identities of another M that ever read the log or published."""
        admin = AdminClient(client_settings(self._kafka))
        listed = _result(admin.list_consumer_groups())
        return former_shards_among([each.group_id for each in listed.valid], self._recommender_id)

    def rivals(self) -> list[str]:
        """Identities of other generations that ever read the log or published."""
        admin = AdminClient(client_settings(self._kafka))
        groups = [each.group_id for each in _result(admin.list_consumer_groups()).valid]
        return rivals_among(groups, self._recommender_id, prefixed(self._kafka, ""))

    def of_generation(self, generation: str) -> list[str]:
        """Identities of a generation that ever read the log or published."""
        admin = AdminClient(client_settings(self._kafka))
        groups = [each.group_id for each in _result(admin.list_consumer_groups()).valid]
        return identities_among(groups, generation, prefixed(self._kafka, ""))

    def alive(self, ids: Sequence[str]) -> list[str]:
        """The identities in `ids` that send a heartbeat within `LIVENESS_WINDOW_S`."""
        if not ids:
            return []
        with self._heartbeats() as reader:
            before = reader.heartbeats_with_times()
            time.sleep(LIVENESS_WINDOW_S)
            after = reader.heartbeats_with_times()
        return [each for each in ids if _at_ms(after, each) != _at_ms(before, each)]

    def heard_at(self, ids: Sequence[str]) -> dict[str, int]:
        """When each of `ids` sent its newest heartbeat, in ms; -1 for one that sent none."""
        with self._heartbeats() as reader:
            found = reader.heartbeats_with_times()
        return {each: _at_ms(found, each) for each in ids}

    @contextmanager
    def _heartbeats(self) -> Iterator[HeartbeatReader]:
        """A reader that has read all heartbeats so far."""
        reader = HeartbeatReader(self._kafka, lambda _: None)
        reader.start()
        try:
            if not reader.wait_caught_up(_CALL_TIMEOUT_S):
                raise ServerError("Heartbeats cannot be read.", "Is Kafka up?")
            yield reader
        finally:
            reader.close()

    def frontiers(self, ids: Sequence[str]) -> list[Frontier]:
        """The publish frontier of each of `ids` in the topic."""
        return [self._frontier(each) for each in ids]

    def fence(self, ids: Sequence[str]) -> list[Frontier]:
        """Fences the producers of `ids`; returns the publish frontier of each in the topic."""
        for each in ids:
            self._fence(each)
        return self.frontiers(ids)

    def _fence(self, recommender_id: str) -> None:
        own_id = transactional_id(recommender_id, prefixed(self._kafka, ""))
        producer = Producer(client_settings(self._kafka) | {"transactional.id": own_id})
        try:
            producer.init_transactions(_CALL_TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() != KafkaError._FENCED:  # another process fences it, too
                raise

    def _frontier(self, recommender_id: str) -> Frontier:
        return topic_frontier(self._kafka, recommender_id)


def _at_ms(heartbeats: Mapping[str, tuple[int, LearningProgress]], recommender_id: str) -> int:
    return heartbeats[recommender_id][0] if recommender_id in heartbeats else -1


def _result(future: "Future[Any]") -> Any:
    """The consumer groups that all brokers listed; raises if any broker did not answer."""
    try:
        listed = future.result(_CALL_TIMEOUT_S)
    except TimeoutError as error:
        raise ServerError("Consumer groups cannot be listed.", "Is Kafka up?") from error
    if listed.errors:
        raise KafkaException(listed.errors[0])
    return listed
