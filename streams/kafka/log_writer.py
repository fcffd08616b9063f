"""Writes single control records to the learning-log, for operators and the recommender."""

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
    reports: list[tuple[KafkaError | None, Message]] = []
    producer = Producer(client_settings(kafka) | {"enable.idempotence": True, "acks": "all"})
    producer.produce(
        prefixed(kafka, LEARNING_LOG.name),
        value=encode_log_record(control),
        partition=0,
        on_delivery=lambda error, message: reports.append((error, message)),
    )
    producer.flush(_TIMEOUT_S)
    if not reports or reports[0][0] is not None:
        why = reports[0][0] if reports else f"no answer in {_TIMEOUT_S:.0f} s"
        raise ServerError(
            f"{type(control).__name__} could not be written to {LEARNING_LOG.name}: {why}.",
            "Is Kafka up? Try again: writing it twice changes nothing.",
        )
    return int(reports[0][1].offset() or 0)
