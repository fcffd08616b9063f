"""Faust's aiokafka transport with a consumer of chunks."""

from typing import Any

from faust.transport.drivers import aiokafka

from streams.kafka.batch_consumer import BatchConsumer
from streams.kafka.chunks import StartingPositions
from streams.kafka.pacer import AT_ONCE, Pace


class BatchTransport(aiokafka.Transport):
    """Transport of chunks; give it to an app as `app.transport`."""

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
        self.chunks_in_flight_max = chunks_in_flight_max
        self.starting_positions = starting_positions
        self.pace = pace
