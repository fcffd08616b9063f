"""Writes single records: control records of the learning-log, and records of the journal."""

from collections.abc import Callable

from confluent_kafka import KafkaError, Message, Producer

from streams.kafka.client_settings import client_settings
from streams.kafka.cluster import prefixed
from topics.catalogue import LEARNING_LOG
from topics.control_records import ControlRecord
from topics.errors import ServerError
from topics.learning_log import encode_log_record

_TIMEOUT_S = 30.0

WriteLog = Callable[[ControlRecord], int]
"""Appends a record to the log and returns its offset."""


def write_control(kafka: str, control: ControlRecord) -> int:
    """Appends `control` to the log and returns its offset after the acknowledgement."""
    remedy = "Is Kafka up? Try again: writing it twice changes nothing."
    what = type(control).__name__
    return append(kafka, LEARNING_LOG.name, encode_log_record(control), what=what, remedy=remedy)


def append(
    kafka: str, topic: str, value: bytes, *, key: bytes | None = None, what: str, remedy: str
) -> int:
    """Appends one record to partition 0 of `topic`; returns its offset after the acknowledgement.

    Raises `ServerError`, which names the record as `what`.
    """
    reports: list[tuple[KafkaError | None, Message]] = []
    producer = Producer(client_settings(kafka) | {"enable.idempotence": True, "acks": "all"})
    producer.produce(
        prefixed(kafka, topic),
        value,
        key=key,
        partition=0,
        on_delivery=lambda error, message: reports.append((error, message)),
    )
    producer.flush(_TIMEOUT_S)
    if not reports or reports[0][0] is not None:
        why = reports[0][0] if reports else f"no answer in {_TIMEOUT_S:.0f} s"
        raise ServerError(f"{what} could not be written to {topic}: {why}.", remedy)
    return int(reports[0][1].offset() or 0)
