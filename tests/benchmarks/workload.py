"""Events for benchmarks: generated, or read from a history file, and encoded beforehand."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from streams.producers.simulated_feed import START_MS
from streams.sources.history.history import read_history
from streams.sources.synthetic.simulator import Simulator
from topics.codecs import encode
from topics.listening_event import ListeningEvent

LISTENERS = 5_000


class Encoded(NamedTuple):
    """An encoded event."""

    key: bytes
    value: bytes


def events(data: Path | None, most: int) -> list[ListeningEvent]:
    """Up to `most` events of `data`, or of generated listeners if it is None."""
    return list(islice(_source(data), most))


def _source(data: Path | None) -> Iterator[ListeningEvent]:
    if data is None:
        return Simulator(1, LISTENERS, START_MS).events()
    return (row for row in read_history([data]) if isinstance(row, ListeningEvent))


def encoded(some: list[ListeningEvent]) -> list[Encoded]:
    """`some`, encoded as a producer sends them."""
    return [
        Encoded(event.listener_id.encode(), encode("ListeningEvent", vars(event))) for event in some
    ]
