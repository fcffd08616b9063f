"""The thread that serves reports outlives whatever its producer says."""

import threading
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException

from streams.kafka.idempotent_producer import _poll


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
