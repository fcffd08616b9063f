"""How far the topic `recommendations` holds all lists of a recommender.

Its transactional producer says so in the same transaction, as the committed offset of a group.
"""

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams.kafka.client_settings import client_settings
from streams.lists.frontier import Frontier, frontier_of
from topics.catalogue import LEARNING_LOG, RECOMMENDATIONS
from topics.errors import ServerError

_TIMEOUT_S = 30.0


def transactional_id(recommender_id: str) -> str:
    """Of the producer of `recommendations`."""
    return f"recs-{recommender_id}"


def lists_group(recommender_id: str) -> str:
    """The group whose committed offset is the frontier of the topic `recommendations`."""
    return f"{recommender_id}-recommendations"


def topic_frontier(kafka: str, recommender_id: str) -> Frontier:
    """Up to where the topic holds all lists of this recommender, by its own account.

    Raises `ServerError` while Kafka is away.
    """
    group = {"group.id": lists_group(recommender_id), "enable.auto.commit": False}
    consumer = Consumer(client_settings(kafka) | group)
    try:
        place = TopicPartition(LEARNING_LOG.name, 0)
        [committed] = consumer.committed([place], timeout=_TIMEOUT_S)
        return frontier_of(committed.metadata)
    except KafkaException as error:
        raise ServerError(
            f"{RECOMMENDATIONS.name} cannot be read: {error}.", "Is Kafka up?"
        ) from error
    finally:
        consumer.close()
