"""Reads the publish frontier of the topic `recommendations` for one recommender.

The transactional producer writes it in the transaction of the lists, as the metadata of a
consumer group's committed offset.
"""

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams.kafka.client_settings import client_settings
from streams.kafka.cluster import prefixed
from streams.lists.frontier import Frontier, frontier_of
from topics.catalogue import LEARNING_LOG, RECOMMENDATIONS
from topics.errors import ServerError

_TIMEOUT_S = 30.0


def transactional_id(recommender_id: str, prefix: str = "") -> str:
    """Transactional id of the recommender's producer of `recommendations`.

    >>> transactional_id("team-a.echotune-recommender-first-0of1", "team-a.")
    'team-a.recs-echotune-recommender-first-0of1'
    """
    return f"{prefix}recs-{recommender_id.removeprefix(prefix)}"


def frontier_group(recommender_id: str) -> str:
    """The group whose committed offset holds the frontier of the topic `recommendations`."""
    return f"{recommender_id}-recommendations"


def topic_frontier(kafka: str, recommender_id: str) -> Frontier:
    """The publish frontier of this recommender in the topic.

    Raises `ServerError` while Kafka is unavailable.
    """
    group = {"group.id": frontier_group(recommender_id), "enable.auto.commit": False}
    consumer = Consumer(client_settings(kafka) | group)
    try:
        partition = TopicPartition(prefixed(kafka, LEARNING_LOG.name), 0)
        [committed] = consumer.committed([partition], timeout=_TIMEOUT_S)
        return frontier_of(committed.metadata)
    except KafkaException as error:
        raise ServerError(
            f"{RECOMMENDATIONS.name} cannot be read: {error}.", "Is Kafka up?"
        ) from error
    finally:
        consumer.close()
