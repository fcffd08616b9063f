"""Produces listening events with an idempotent producer, which retries without a time limit."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from confluent_kafka import KafkaError, Message, Producer

from streams.kafka.client_settings import client_settings
from streams.kafka.cluster import prefixed
from streams.kafka.refusals import cluster_refusal, refused_right
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import encode
from topics.errors import RefusedError, ServerError
from topics.learning_batch import ADDITIONAL_INFO
from topics.listening_event import ListeningEvent

WAITING_MAX = 100_000
"""Maximum number of unacknowledged events; `send` blocks while it is reached (backpressure)."""
_POLL_S = 0.2
_UNAVAILABLE_CODES = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._AUTHENTICATION,
        KafkaError._SSL,
        KafkaError._TRANSPORT,
    }
)


class AcknowledgedAt(NamedTuple):
    """The partition and offset at which the broker has stored an event."""

    partition: int
    offset: int


OnAcknowledged = Callable[[AcknowledgedAt], object]


class EventProducer:
    """Sends events keyed by listener, with the partitioner of all Kafka clients (murmur2).

    It waits while Kafka is unavailable, and calls `say` with one message about it.
    """

    def __init__(self, kafka: str, say: Callable[[str], object]) -> None:
        self._say = say
        self._is_unavailable = False
        self._kafka = kafka
        self._topic = prefixed(kafka, LISTENING_EVENTS.name)
        self._failure: KafkaError | None = None
        self._refusal: RefusedError | None = None
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
        """Queues an event; raises `ServerError` if the broker has refused one."""
        fields = dict(vars(event))
        told = fields.pop(ADDITIONAL_INFO, None)
        headers = {ADDITIONAL_INFO: told.encode()} if told else {}
        value = encode("ListeningEvent", fields)
        self._send(event.listener_id.encode(), value, headers, on_acknowledged)

    def resend(self, key: bytes, value: bytes, headers: Mapping[str, bytes]) -> None:
        """Queues a record that is already encoded; raises as `send` does."""
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
                self._on_error(error)
                return
            self.acknowledged += 1
            if on_acknowledged is not None:
                on_acknowledged(AcknowledgedAt(message.partition() or 0, message.offset() or 0))

        while True:
            self._check()
            try:
                self._producer.produce(
                    self._topic,
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
        """Waits without a time limit until every event that was sent is acknowledged."""
        while _interruptible(self._producer.flush, _POLL_S) > 0:
            self._check()
        self._check()
        self._is_unavailable = False

    def _check(self) -> None:
        if self._refusal is not None:
            raise self._refusal
        if self._failure is not None:
            raise ServerError(
                f"The broker refused an event: {self._failure}.",
                "Compare the topic's settings with `echotune topics check`.",
            )

    def _on_error(self, error: KafkaError) -> None:
        named = f"topic {self._topic}"
        self._refusal = self._refusal or refused_right(self._kafka, error, named)
        if error.code() in _UNAVAILABLE_CODES and not self._is_unavailable:
            self._is_unavailable = True
            self._refusal = self._refusal or cluster_refusal(self._kafka)
            if self._refusal is None:
                self._say(f"Kafka ({self._kafka}) does not answer; waiting for it ...")


def _interruptible(call: Callable[[float], int], timeout_s: float) -> int:
    """Returns the result of `call`; re-raises a Ctrl-C that one of its callbacks has swallowed."""
    try:
        return call(timeout_s)
    except SystemError as error:
        raise KeyboardInterrupt from error
