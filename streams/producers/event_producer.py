"""Produces listening events: idempotent, acknowledged by the broker, never given up."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from confluent_kafka import KafkaError, Message, Producer

from streams.kafka.client_settings import client_settings
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import encode
from topics.errors import ServerError
from topics.listening_event import ListeningEvent

WAITING_MAX = 100_000
"""Events that may wait for the broker at once; more make `send` wait."""
_POLL_S = 0.2
_AWAY_CODES = frozenset({KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT})


class Place(NamedTuple):
    """Where the broker keeps an event."""

    partition: int
    offset: int


OnAcknowledged = Callable[[Place], object]


class EventProducer:
    """Sends events keyed by listener, with the partitioner all clients agree on (murmur2).

    While Kafka is away it waits, and `say`s so once.
    """

    def __init__(self, kafka: str, say: Callable[[str], object]) -> None:
        self._say = say
        self._is_away = False
        self._kafka = kafka
        self._failure: KafkaError | None = None
        self.acknowledged = 0
        self._producer = Producer(
            client_settings(kafka)
            | {
                "enable.idempotence": True,
                "acks": "all",
                "compression.type": "lz4",
                "partitioner": "murmur2_random",
                "linger.ms": 2,
                "message.timeout.ms": 0,
                "queue.buffering.max.messages": WAITING_MAX,
                "error_cb": self._on_error,
            }
        )

    def send(self, event: ListeningEvent, on_acknowledged: OnAcknowledged | None = None) -> None:
        """Hands an event over; raises `ServerError` once the broker refused one."""
        value = encode("ListeningEvent", vars(event))
        self._send(event.listener_id.encode(), value, {}, on_acknowledged)

    def send_again(self, key: bytes, value: bytes, headers: Mapping[str, bytes]) -> None:
        """Hands over a record that was encoded by somebody; raises as `send` does."""
        self._send(key, value, headers, None)

    def _send(
        self,
        key: bytes,
        value: bytes,
        headers: Mapping[str, bytes],
        on_acknowledged: OnAcknowledged | None,
    ) -> None:
        def on_delivery(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self._failure = error
                return
            self.acknowledged += 1
            if on_acknowledged is not None:
                on_acknowledged(Place(message.partition() or 0, message.offset() or 0))

        while True:
            self._check()
            try:
                self._producer.produce(
                    LISTENING_EVENTS.name,
                    value,
                    key=key,
                    headers=list(headers.items()),
                    on_delivery=on_delivery,
                )
                break
            except BufferError:
                _interruptible(self._producer.poll, _POLL_S)
        _interruptible(self._producer.poll, 0)

    def flush(self) -> None:
        """Waits until everything sent is acknowledged, however long that takes."""
        while _interruptible(self._producer.flush, _POLL_S) > 0:
            self._check()
        self._check()
        self._is_away = False

    def _check(self) -> None:
        if self._failure is not None:
            raise ServerError(
                f"The broker refused an event: {self._failure}.",
                "Compare the topic's settings and rights with `echotune topics check`.",
            )

    def _on_error(self, error: KafkaError) -> None:
        if error.code() in _AWAY_CODES and not self._is_away:
            self._is_away = True
            self._say(f"Kafka ({self._kafka}) does not answer; waiting for it ...")


def _interruptible(call: Callable[[float], int], timeout_s: float) -> int:
    """What `call` returns; Ctrl-C in one of its callbacks, which it loses, is raised again."""
    try:
        return call(timeout_s)
    except SystemError as error:
        raise KeyboardInterrupt from error
