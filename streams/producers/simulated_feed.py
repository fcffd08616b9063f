"""Sends generated listeners' events at a given rate; continues where the last run stopped."""

import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import orjson

from infra.home import stored_json, writing_in
from streams.producers.event_producer import EventProducer
from streams.sources.synthetic.simulator import Simulator
from topics.listening_event import ListeningEvent

START_MS = 1_104_537_600_000
"""2005-01-01, the first day of the generated listeners; time advances with the events."""
STORE_EVERY_S = 1.0
"""Seconds between two writes of the position; a crash sends the events since then again."""


class RateLimit:
    """Limits a loop to `per_second` steps a second; None means no limit."""

    def __init__(self, per_second: float | None, clock: Callable[[], float] = time.monotonic):
        self._per_second = per_second
        self._clock = clock
        self._began_at = clock()
        self._steps = 0

    def due_in_s(self) -> float:
        """Counts a step; returns how long to wait before it, or 0 if the loop is late."""
        self._steps += 1
        if self._per_second is None:
            return 0.0
        return max(0.0, self._began_at + self._steps / self._per_second - self._clock())


class Position(NamedTuple):
    """Position of a feed: `within_day` events of `day` are sent, and `events` in total."""

    day: int = 0
    within_day: int = 0
    events: int = 0

    def after_one(self) -> "Position":
        """The position one event later."""
        return Position(self.day, self.within_day + 1, self.events + 1)

    def next_day(self) -> "Position":
        """The beginning of the next day."""
        return Position(self.day + 1, 0, self.events)


class SimulatedFeed:
    """Sends the events of one town; its position is stored in `folder`."""

    def __init__(self, folder: Path, *, seed: int, listeners: int) -> None:
        self._file = folder / f"town-{seed}-{listeners}.json"
        self._simulator = Simulator(seed, listeners, START_MS)
        self.position = Position(*stored_json(self._file) or ())

    def send(
        self,
        producer: EventProducer,
        *,
        rate: float | None,
        events: int | None,
        on_sent: Callable[[Position], object],
    ) -> None:
        """Sends `events` (None: without end) at `rate` per second, beginning at `position`."""
        pace, stored_at = RateLimit(rate), time.monotonic()
        try:
            for event in islice(self._events(), events):
                if wait_s := pace.due_in_s():
                    time.sleep(wait_s)
                producer.send(event)
                self.position = self.position.after_one()
                if time.monotonic() - stored_at >= STORE_EVERY_S:
                    self._store(producer)
                    on_sent(self.position)
                    stored_at = time.monotonic()
        finally:
            self._store(producer)

    def _events(self) -> Iterator[ListeningEvent]:
        while True:
            yield from islice(
                self._simulator.day(self.position.day), self.position.within_day, None
            )
            self.position = self.position.next_day()

    def _store(self, producer: EventProducer) -> None:
        """Stores the position; the fold drops events that are repeated after a crash."""
        producer.flush()
        with writing_in(self._file.parent):
            part = self._file.with_suffix(".part")
            part.write_bytes(orjson.dumps(tuple(self.position)))
            part.replace(self._file)
