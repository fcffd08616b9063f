"""An idempotent producer whose delivery reports arrive on the event loop.

One thread polls, and passes each report to the loop immediately. A chunk is therefore acknowledged
as soon as the broker has it, without the delay of a timer. Messages wait for the broker without a
limit: an unavailable broker is not an error.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streams.kafka.client_settings import client_settings
from streams.kafka.refusals import refused_right
from topics.catalogue import LEARNING_RECORD_BYTES_MAX
from topics.errors import EchoTuneError, LogError, TopicError

_log = structlog.get_logger(__name__)
Report = Callable[[int | None], None]
"""Is called with the offset of the written record, or with None if the write failed."""

_POLL_S = 0.1
_FULL_WAIT_S = 0.005
_TOO_LARGE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})
_MISSING = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC})
_NOT_RETRIABLE = _TOO_LARGE | {
    KafkaError.INVALID_MSG,
    KafkaError.INVALID_RECORD,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
}
"""Errors that a retry repeats: an operator has to fix the cause."""


class IdempotentProducer:
    """Produces from the event loop; `renew` drops all records in flight and starts afresh.

    `on_fatal_error` is called if a record can never be written.
    """

    def __init__(
        self, kafka: str, on_fatal_error: Callable[[EchoTuneError], None], **settings: Any
    ) -> None:
        self._kafka = kafka
        self._settings = client_settings(kafka) | {
            "enable.idempotence": True,
            "acks": "all",
            "compression.type": "lz4",
            "linger.ms": 0,
            "message.timeout.ms": 0,
            "message.max.bytes": LEARNING_RECORD_BYTES_MAX,
            "partitioner": "murmur2_random",
            **settings,
        }
        self._on_fatal_error = on_fatal_error
        self._loop = asyncio.get_running_loop()
        self._begin()

    def _begin(self) -> None:
        self._producer = Producer(self._settings)
        self._ended = threading.Event()
        threading.Thread(
            target=_poll, args=(self._producer, self._ended), name="producer-poll", daemon=True
        ).start()

    async def produce(
        self,
        topic: str,
        report: Report,
        *,
        on_too_large: Callable[[], None] | None = None,
        **message: Any,
    ) -> None:
        """Passes a message to librdkafka; waits while its queue is full.

        If the topic does not take a message of its size, `on_too_large` is called instead of
        `report`; without it that is a fatal error.
        """
        on_delivery = self._reported(report, on_too_large)
        while True:
            try:
                self._producer.produce(topic, on_delivery=on_delivery, **message)
                return
            except BufferError:
                await asyncio.sleep(_FULL_WAIT_S)
            except KafkaException as failure:  # refused before it was sent
                self._fail(failure.args[0], topic, report, on_too_large)
                return

    def _reported(
        self, report: Report, on_too_large: Callable[[], None] | None
    ) -> Callable[[KafkaError | None, Message], None]:
        def on_delivery(error: KafkaError | None, message: Message) -> None:
            with suppress(RuntimeError):  # the loop is closed: no task waits any more
                if error is not None:
                    self._fail(error, message.topic(), report, on_too_large)
                else:
                    self._loop.call_soon_threadsafe(report, message.offset())

        return on_delivery

    def _fail(
        self,
        error: KafkaError,
        topic: str | None,
        report: Report,
        on_too_large: Callable[[], None] | None,
    ) -> None:
        if error.code() in _TOO_LARGE and on_too_large is not None:
            self._loop.call_soon_threadsafe(on_too_large)
        elif error.code() in _NOT_RETRIABLE:
            stop = refused_right(self._kafka, error, f"topic {topic}") or LogError(
                f"A record can never be written to {topic}: {error}.",
                "Compare the topic's settings with `echotune topics check`.",
            )
            self._loop.call_soon_threadsafe(self._on_fatal_error, stop)
        elif error.code() in _MISSING:
            missing = TopicError(
                f"There is no topic {topic} on {self._kafka}: nothing can be written to it.",
                "`echotune topics apply` creates it; start the worker again, and it goes on.",
            )
            self._loop.call_soon_threadsafe(self._on_fatal_error, missing)
        else:
            self._loop.call_soon_threadsafe(report, None)

    def renew(self) -> None:
        """Drops the records in flight (they are reported as failed); starts a new producer."""
        with suppress(KafkaException):
            self._producer.purge(blocking=False)
        self._ended.set()
        self._begin()

    async def close(self, timeout_s: float) -> None:
        """Waits up to `timeout_s` for the records in flight."""
        await asyncio.to_thread(self._producer.flush, timeout_s)
        self._ended.set()


def _poll(producer: Producer, ended: threading.Event) -> None:
    """Serves reports until `ended`; after a fatal error all records are reported as failed.

    A log that lost its tail causes such an error: it no longer has the records that the idempotent
    producer expects.
    """
    while not ended.is_set():
        try:
            producer.poll(_POLL_S)
        except KafkaException as failure:
            _log.error("the producer failed for good and sends nothing more", error=str(failure))
            producer.purge(blocking=False)
    with suppress(KafkaException):
        producer.flush(_POLL_S)
