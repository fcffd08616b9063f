"""Waiting for Kafka: who needs its answer asks for as long as it takes, and says so once."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import structlog
from confluent_kafka import KafkaException

from topics.errors import ServerError

_log = structlog.get_logger(__name__)
RETRY_S = 0.5

T = TypeVar("T")


async def answered(ask: Callable[[], T]) -> T:
    """What `ask` returns once Kafka is there; it may block, and has to end by itself each time."""
    said = False
    while True:
        try:
            return await asyncio.to_thread(ask)
        except (KafkaException, ServerError) as error:
            if not said:
                _log.warning("kafka does not answer; waiting", error=str(error))
            said = True
            await asyncio.sleep(RETRY_S)
