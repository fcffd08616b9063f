"""The largest batch that a topic takes, as the cluster says; it is asked now and then.

librdkafka needs three seconds to recover from each batch that is too large, so that it is better
not to send one.
"""

import asyncio
import time
from collections.abc import Callable

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from streams.kafka.client_settings import client_settings

REFRESH_S = 30.0
_TIMEOUT_S = 5.0
_LIMIT = "max.message.bytes"


class SizeLimit:
    """`max.message.bytes` of `topic`; None if it is unknown, as without the right to describe it.

    `topic` is the full name.
    """

    def __init__(self, kafka: str, topic: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._kafka = kafka
        self._topic = topic
        self._clock = clock
        self._bytes: int | None = None
        self._ask_at = clock()

    async def bytes_max(self) -> int | None:
        """The limit, which is at most `REFRESH_S` old."""
        if self._clock() >= self._ask_at:
            self._ask_at = self._clock() + REFRESH_S
            self._bytes = await asyncio.to_thread(self._ask)
        return self._bytes

    def _ask(self) -> int | None:
        asked = ConfigResource(ResourceType.TOPIC, self._topic)
        try:
            [found] = AdminClient(client_settings(self._kafka)).describe_configs([asked]).values()
            return int(found.result(_TIMEOUT_S)[_LIMIT].value)
        except (KafkaException, TimeoutError, KeyError):
            return None
