"""Waits for Kafka before a worker begins: Faust itself gives up where no broker answers at once."""

import asyncio

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.kafka_clients import client_settings

_log = structlog.get_logger(__name__)
_ANSWER_TIMEOUT_S = 3.0
_RETRY_S = 0.5


def kafka_answers(kafka: str, timeout_s: float = _ANSWER_TIMEOUT_S) -> bool:
    """Whether a broker of `kafka` answers; blocks up to `timeout_s`."""
    try:
        AdminClient(client_settings(kafka)).list_topics(timeout=timeout_s)
    except KafkaException:
        return False
    return True


async def wait_for_kafka(kafka: str) -> None:
    """Waits as long as it takes, and says once that it does."""
    is_said = False
    while not await asyncio.to_thread(kafka_answers, kafka):
        if not is_said:
            _log.warning("kafka does not answer; waiting", kafka=kafka)
        is_said = True
        await asyncio.sleep(_RETRY_S)
