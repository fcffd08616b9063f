"""Feeds generated listeners' events at a given pace, going on where the last run stopped."""

import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import orjson

from infra.home import remembered, writing_in
from streams.producers.event_producer import EventProducer
from streams.sources.town.simulator import Simulator
from topics.listening_event import ListeningEvent

START_MS = 1_104_537_600_000
"""2005-01-01, when the town begins to listen; its time runs as fast as events are sent."""
REMEMBER_EVERY_S = 1.0


class RateLimit:
    """Keeps a loop to `per_second` steps a second; None: as fast as it goes."""

    def __init__(self, per_second: float | None, clock: Callable[[], float] = time.monotonic):
        self._per_second = per_second
        self._clock = clock
        self._began_at = clock()
        self._steps = 0

    def due_in_s(self) -> float:
        """Counts a step; returns for how long to wait before it, 0 where it is late already."""
        self._steps += 1
        if self._per_second is None:
            return 0.0
        return max(0.0, self._began_at + self._steps / self._per_second - self._clock())


class Position(NamedTuple):
    """Where a town's feed stands: `within_day` events of `day` are sent, `events` in all."""

    day: int = 0
    within_day: int = 0
    events: int = 0

    def after_one(self) -> "Position":
        """One event further."""
        return Position(self.day, self.within_day + 1, self.events + 1)

    def next_day(self) -> "Position":
        """The beginning of the day after."""
        return Position(self.day + 1, 0, self.events)


class SimulatedFeed:
    """The events of one town, sent through `producer`; its place is kept in `folder`."""

    def __init__(self, folder: Path, *, seed: int, listeners: int) -> None:
        self._file = folder / f"town-{seed}-{listeners}.json"
        self._simulator = Simulator(seed, listeners, START_MS)
        self.position = Position(*remembered(self._file) or ())

    def send(
        self,
        producer: EventProducer,
        *,
        rate: float | None,
        events: int | None,
        on_sent: Callable[[Position], object],
    ) -> None:
        """Sends `events` (None: without end) at `rate` a second, going on at `position`."""
        pace, remembered_at = RateLimit(rate), time.monotonic()
        try:
            for event in islice(self._events(), events):
                if wait_s := pace.due_in_s():
                    time.sleep(wait_s)
                producer.send(event)
                self.position = self.position.after_one()
                if time.monotonic() - remembered_at >= REMEMBER_EVERY_S:
                    self._remember(producer)
                    on_sent(self.position)
                    remembered_at = time.monotonic()
        finally:
            self._remember(producer)

    def _events(self) -> Iterator[ListeningEvent]:
        while True:
            yield from islice(
                self._simulator.day(self.position.day), self.position.within_day, None
            )
            self.position = self.position.next_day()

    def _remember(self, producer: EventProducer) -> None:
        """What is sent twice after a crash is the same event, which the fold counts once."""
        producer.flush()
        with writing_in(self._file.parent):
            part = self._file.with_suffix(".part")
            part.write_bytes(orjson.dumps(tuple(self.position)))
            part.replace(self._file)
