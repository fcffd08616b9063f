"""Produces a workload and keeps what the broker acknowledged, where it put it."""

import threading
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from streams.kafka.client_settings import client_settings
from tests.support.workload import Told, What
from topics.catalogue import LISTENING_EVENTS

FLUSH_TIMEOUT_S = 120.0
_PACE_S = 0.05


class Feeder:
    """An idempotent producer that waits for the broker as long as it takes."""

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
        self.acknowledged: dict[tuple[int, int], Told] = {}
        """(partition, offset) → what stands there."""
        self.refused: list[str] = []
        self._thread: threading.Thread | None = None

    def feed(self, records: Iterable[Told], *, per_s: float = 0.0) -> None:
        """Produces `records`, so many a second (0: at once); returns when all are handed over."""
        began = time.monotonic()
        for at, each in enumerate(records):
            if per_s and at % max(1, int(per_s * _PACE_S)) == 0:
                time.sleep(max(0.0, began + at / per_s - time.monotonic()))
            self._produce(each)
            self._producer.poll(0)

    def start(self, records: Iterable[Told], *, per_s: float) -> None:
        """As `feed`, in a thread of its own, once what was started before is handed over."""
        self._join()
        self._thread = threading.Thread(
            target=self.feed, args=(records,), kwargs={"per_s": per_s}, daemon=True
        )
        self._thread.start()

    @property
    def is_feeding(self) -> bool:
        """Whether there is more to hand over."""
        return self._thread is not None and self._thread.is_alive()

    def _produce(self, told: Told) -> None:
        while True:
            try:
                self._producer.produce(
                    LISTENING_EVENTS.name,
                    told.value,
                    key=told.listener_id.encode(),
                    on_delivery=lambda error, message: self._reported(told, error, message),
                )
                return
            except BufferError:
                self._producer.poll(_PACE_S)

    def _reported(self, told: Told, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.acknowledged[message.partition(), message.offset()] = told
        else:
            self.refused.append(str(error))

    def finish(self) -> None:
        """Waits until everything is acknowledged."""
        self._join()
        assert self._producer.flush(FLUSH_TIMEOUT_S) == 0
        assert not self.refused, self.refused[0]

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join(FLUSH_TIMEOUT_S * 2)

    def count(self) -> Counter[What]:
        """How many of each were acknowledged."""
        return Counter(each.what for each in self.acknowledged.values())

    @property
    def to_be_applied(self) -> int:
        """Events that must be in the model in the end."""
        counts = self.count()
        return counts[What.FRESH] + counts[What.LATE]

    def as_json(self) -> dict[str, Any]:
        """For the journal."""
        return {each.value: number for each, number in sorted(self.count().items(), key=str)}
