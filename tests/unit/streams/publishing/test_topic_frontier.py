"""A frontier that cannot be read is an error; it never looks like one that nobody wrote."""

import pytest
from confluent_kafka import KafkaException, TopicPartition

from streams.publishing import topic_frontier
from topics.errors import ServerError


class AwayConsumer:
    """Of a broker that does not answer."""

    is_closed = False

    def __init__(self, settings: dict[str, object]) -> None:
        assert settings["group.id"] == "echotune-recommender-first-0of1-recommendations"

    def committed(self, places: list[TopicPartition], timeout: float) -> None:
        raise KafkaException("away")

    def close(self) -> None:
        type(self).is_closed = True


def test_what_kafka_says_is_wrong_is_said_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(topic_frontier, "Consumer", AwayConsumer)
    with pytest.raises(ServerError, match="recommendations cannot be read: away") as caught:
        topic_frontier.topic_frontier("", "echotune-recommender-first-0of1")
    assert "Is Kafka up" in str(caught.value)
    assert AwayConsumer.is_closed
