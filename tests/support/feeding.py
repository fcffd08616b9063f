"""Produces a workload and records what the broker acknowledged, at which partition and offset."""

import threading
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from streams.kafka.client_settings import client_settings
from tests.support.workload import Delivery, What
from topics.catalogue import LISTENING_EVENTS

FLUSH_TIMEOUT_S = 120.0
_PACE_S = 0.05


class Feeder:
    """An idempotent producer that waits for the broker without a timeout."""

    def __init__(self, kafka: str) -> None:
        self._producer = Producer(
            client_settings(kafka)
            | {
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "message.timeout.ms": 0,
                "linger.ms": 5,
                "queue.buffering.max.messages": 500_000,
            }
        )
        self.acknowledged: dict[tuple[int, int], Delivery] = {}
        """(partition, offset) → the record there."""
        self.refused: list[str] = []
        self._thread: threading.Thread | None = None

    def feed(self, records: Iterable[Delivery], *, per_s: float = 0.0) -> None:
        """Produces `records` at `per_s` a second (0: unlimited); returns when all are queued."""
        began = time.monotonic()
        for at, each in enumerate(records):
            if per_s and at % max(1, int(per_s * _PACE_S)) == 0:
                time.sleep(max(0.0, began + at / per_s - time.monotonic()))
            self._produce(each)
            self._producer.poll(0)

    def start(self, records: Iterable[Delivery], *, per_s: float) -> None:
        """As `feed`, in a thread of its own, after earlier records are queued."""
        self._join()
        self._thread = threading.Thread(
            target=self.feed, args=(records,), kwargs={"per_s": per_s}, daemon=True
        )
        self._thread.start()

    @property
    def is_feeding(self) -> bool:
        """Whether there are records that are not queued yet."""
        return self._thread is not None and self._thread.is_alive()

    def _produce(self, delivery: Delivery) -> None:
        while True:
            try:
                self._producer.produce(
                    LISTENING_EVENTS.name,
                    delivery.value,
                    key=delivery.listener_id.encode(),
                    on_delivery=lambda error, message: self._reported(delivery, error, message),
                )
                return
            except BufferError:
                self._producer.poll(_PACE_S)

    def _reported(self, delivery: Delivery, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.acknowledged[message.partition(), message.offset()] = delivery
        else:
            self.refused.append(str(error))

    def finish(self) -> None:
        """Waits until every record is acknowledged."""
        self._join()
        assert self._producer.flush(FLUSH_TIMEOUT_S) == 0
        assert not self.refused, self.refused[0]

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join(FLUSH_TIMEOUT_S * 2)

    def count(self) -> Counter[What]:
        """Number of acknowledged records of each kind."""
        return Counter(each.what for each in self.acknowledged.values())

    @property
    def to_be_applied(self) -> int:
        """Number of events that must be in the model at the end."""
        counts = self.count()
        return counts[What.FRESH] + counts[What.LATE]

    def as_json(self) -> dict[str, Any]:
        """The counts, for the journal."""
        return {each.value: number for each, number in sorted(self.count().items(), key=str)}
