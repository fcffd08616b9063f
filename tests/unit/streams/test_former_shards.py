"""What a new M asks of Kafka; how formers are found and fenced is in integration."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams import former_shards
from streams.former_shards import FormerShards
from topics.errors import ServerError


def test_a_kafka_that_stays_away_is_an_error_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(settings: dict[str, object]) -> None:
        raise KafkaException(KafkaError(KafkaError._ALL_BROKERS_DOWN, "away"))

    monkeypatch.setattr(former_shards, "_READY_TIMEOUT_S", -1.0)
    monkeypatch.setattr(former_shards, "Producer", away)
    former = FormerShards("", "echotune-recommender-first-0of2")
    with pytest.raises(ServerError, match=r"cannot be asked for.*Is Kafka up"):
        former.silence(["echotune-recommender-first-0of1"])
