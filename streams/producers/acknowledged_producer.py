"""Produces events for a service: each caller waits until the broker has acknowledged theirs.

Unlike `EventProducer`, it never waits without a limit: who asks over HTTP needs an answer, and
sends again what was not acknowledged.
"""

import asyncio
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from confluent_kafka import KafkaException, Message, Producer

from streams.kafka.client_settings import client_settings
from streams.kafka.cluster import prefixed
from topics.catalogue import DEAD_LETTERS, LISTENING_EVENTS
from topics.codecs import encode
from topics.errors import ServerError
from topics.learning_batch import ADDITIONAL_INFO
from topics.listening_event import ListeningEvent

ACKNOWLEDGED_WITHIN_MS = 4_000
"""How long a record may wait for its acknowledgement: real clients give up after five seconds."""
WAITING_MAX = 50_000
"""Maximum number of unacknowledged records; more are refused at once."""
_POLL_S = 0.1
_REMEDY = "Send it again later: nothing of it is lost or counted twice."


class Record(NamedTuple):
    """A record to produce."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


def event_record(event: ListeningEvent, additional_info: bytes = b"") -> Record:
    """The record of an event, with what else its source says: a JSON object, or nothing."""
    value = encode("ListeningEvent", vars(event))
    headers = ((ADDITIONAL_INFO, additional_info),) if additional_info else ()
    return Record(LISTENING_EVENTS.name, event.listener_id.encode(), value, headers)


def dead_letter_record(key: str, value: bytes, headers: dict[str, str]) -> Record:
    """The record of what cannot be an event, with the reason in its headers."""
    encoded = tuple((name, text.encode(errors="replace")) for name, text in headers.items())
    return Record(DEAD_LETTERS.name, key.encode(), value, encoded)


class AcknowledgedProducer:
    """A producer on the event loop; a thread of its own takes the broker's reports.

    It is not idempotent: such a producer ends for good after some errors, as when the topic has
    lost its tail. The id of an event makes it count once, and one request at a time in flight
    keeps events in order.
    """

    def __init__(self, kafka: str, acknowledged_within_ms: int = ACKNOWLEDGED_WITHIN_MS) -> None:
        self._kafka = kafka
        self._loop = asyncio.get_running_loop()
        self._producer = Producer(
            client_settings(kafka)
            | {
                "acks": "all",
                "max.in.flight.requests.per.connection": 1,
                "compression.type": "lz4",
                "partitioner": "murmur2_random",
                "linger.ms": 1,
                "message.timeout.ms": acknowledged_within_ms,
                "queue.buffering.max.messages": WAITING_MAX,
            }
        )
        self._ended = threading.Event()
        threading.Thread(target=self._poll, name="http-producer", daemon=True).start()

    async def produce(self, records: Iterable[Record]) -> None:
        """Returns when the broker has acknowledged all `records`.

        Raises `ServerError` if it has not within the time, or if too many others wait: some of
        the records may have been written then.
        """
        pending = _Pending(self._loop)
        for record in records:
            pending.begin()
            try:
                self._producer.produce(
                    prefixed(self._kafka, record.topic),
                    record.value,
                    key=record.key,
                    headers=list(record.headers),
                    on_delivery=pending.report,
                )
            except (BufferError, KafkaException) as error:
                pending.report(error)
        pending.report(None)
        if (failed := await pending.ended) is not None:
            raise ServerError(f"Kafka did not acknowledge it: {failed}.", _REMEDY)

    def _poll(self) -> None:
        while not self._ended.is_set():
            self._producer.poll(_POLL_S)

    async def close(self) -> None:
        """Waits for the records in flight, as long as they may take."""
        await asyncio.to_thread(self._producer.flush, ACKNOWLEDGED_WITHIN_MS / 1_000)
        self._ended.set()


class _Pending:
    """The records of one call that have no report yet; reports come in another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._left = 1  # the call itself, until it has produced everything
        self._error: object = None
        self.ended: asyncio.Future[object] = loop.create_future()

    def begin(self) -> None:
        """Counts one more record."""
        with self._lock:
            self._left += 1

    def report(self, error: object, _: Message | None = None) -> None:
        """Notes that one record was acknowledged, or failed; the last one ends the wait."""
        with self._lock:
            self._left -= 1
            self._error = self._error or error
            is_last = not self._left
        if is_last:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        if not self.ended.done():  # else the caller was cancelled
            self.ended.set_result(self._error)
