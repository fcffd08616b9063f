"""Faust's aiokafka transport with a consumer of chunks (micro-batches)."""

from typing import Any

from faust.transport.drivers import aiokafka

from streams.kafka.batch_consumer import BatchConsumer
from streams.kafka.bounded_fetches import bound_fetches
from streams.kafka.chunks import StartingPositions
from streams.kafka.pacer import AT_ONCE, Pace


class BatchTransport(aiokafka.Transport):
    """A transport of chunks; assign it to `app.transport`."""

    Consumer = BatchConsumer

    def __init__(
        self,
        *args: Any,
        chunks_in_flight_max: int,
        starting_positions: StartingPositions,
        pace: Pace = AT_ONCE,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        bound_fetches()
        self.chunks_in_flight_max = chunks_in_flight_max
        self.starting_positions = starting_positions
        self.pace = pace
