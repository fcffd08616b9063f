"""The thread that serves reports outlives whatever its producer says."""

import asyncio
import threading
from dataclasses import dataclass, field

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.kafka.idempotent_producer import IdempotentProducer, _poll
from topics.errors import EchoTuneError, TopicError


@dataclass
class Failing:
    """A producer that fails for good at its first poll, as on a log that lost its tail."""

    ended: threading.Event
    did: list[str] = field(default_factory=list)

    def poll(self, _: float) -> None:
        self.did.append("poll")
        if len(self.did) == 1:
            raise KafkaException(KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER))
        self.ended.set()

    def purge(self, *, blocking: bool) -> None:
        self.did.append("purge")

    def flush(self, _: float) -> None:
        self.did.append("flush")
        raise KafkaException(KafkaError(KafkaError._FATAL))


def test_after_a_fatal_error_what_was_under_way_is_reported_as_failed() -> None:
    ended = threading.Event()
    producer = Failing(ended)
    _poll(producer, ended)  # type: ignore[arg-type]
    assert producer.did == ["poll", "purge", "poll", "flush"]


@pytest.mark.parametrize("code", [KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC])
async def test_a_topic_that_is_missing_ends_the_worker_with_the_command_that_creates_it(
    code: int,
) -> None:
    failed: list[EchoTuneError] = []
    reports: list[int | None] = []
    producer = IdempotentProducer("127.0.0.1:1", failed.append)
    producer._fail(KafkaError(code), "dead-letters", reports.append, None)
    await asyncio.sleep(0)
    await producer.close(0.0)
    [error] = failed
    assert isinstance(error, TopicError)
    assert "no topic dead-letters" in error.message
    assert "echotune topics apply" in error.remedy
    assert reports == []
