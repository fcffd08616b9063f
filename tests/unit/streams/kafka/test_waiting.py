"""Who waits for Kafka gets its answer, however long that takes."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.kafka import waiting
from streams.kafka.waiting import answered
from topics.errors import LogError, ServerError


async def test_a_kafka_that_is_away_is_asked_until_it_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting, "RETRY_S", 0.0)
    away = [ServerError("away", ""), KafkaException(KafkaError(KafkaError._TRANSPORT))] * 50

    def ask() -> str:
        if away:
            raise away.pop()
        return "here"

    assert await answered(ask) == "here"


async def test_what_waiting_does_not_mend_is_raised() -> None:
    def ask() -> str:
        raise LogError("made anew", "")

    with pytest.raises(LogError):
        await answered(ask)
