"""A pipeline that cannot lose in its middle: which chunks may be acknowledged, and when.

Several chunks may be on their way to the log at once. Each carries the epoch of its assignment
and is acknowledged only after its predecessor, by reports of the same epoch, at log offsets above
its predecessor's. After the first report that breaks this nothing of the epoch is acknowledged:
a new epoch begins from the committed offset. One chunk is never sent again alone, for it would
land behind its successor, which was ignored, acknowledged and gone.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class ReportOutcome(Enum):
    """What a delivery report means for the pipeline."""

    LANDED = "landed"
    STALE = "stale"
    BROKEN = "broken"


@dataclass
class Flight:
    """A chunk on its way to the log."""

    epoch: int
    from_offset: int
    to_offset: int
    waiting: int
    """How many of its records (batches, dead letters) are still to be reported."""
    chunk: object
    log_offset: int = -1
    """Where its last batch landed."""


class Pipeline:
    """The chunks of one source partition on their way, in order; one object an epoch."""

    def __init__(self, epoch: int, position: int) -> None:
        self.epoch = epoch
        self.position = position
        """First source offset that no chunk of this epoch covers yet."""
        self.next_to_acknowledge = position
        """First source offset of this epoch that the log does not hold for sure."""
        self.flights: deque[Flight] = deque()
        self.broken = False
        self._log_offset = -1

    def launch(self, to_offset: int, records: int, chunk: object) -> Flight:
        """Takes a chunk that ends at `to_offset` on its way as `records` records."""
        flight = Flight(self.epoch, self.position, to_offset, records, chunk)
        self.flights.append(flight)
        self.position = to_offset + 1
        return flight

    def report_batch(self, flight: Flight, log_offset: int | None) -> ReportOutcome:
        """Notes at which log offset a batch of `flight` landed; None: it failed.

        Reports of one partition come in order, so an offset that is not above all earlier ones
        means that the log was cut between them.
        """
        if self._is_stale(flight):
            return ReportOutcome.STALE
        if log_offset is None or log_offset <= self._log_offset:
            return self._break()
        self._log_offset = flight.log_offset = log_offset
        return self._one_less(flight)

    def report_letter(self, flight: Flight, landed: bool) -> ReportOutcome:
        """Notes whether a dead letter of `flight` landed."""
        if self._is_stale(flight):
            return ReportOutcome.STALE
        return self._one_less(flight) if landed else self._break()

    def landed(self) -> Iterator[Flight]:
        """Chunks that may be acknowledged now: each whole, and after its predecessor."""
        while self.flights and not self.flights[0].waiting and not self.broken:
            flight = self.flights.popleft()
            self.next_to_acknowledge = flight.to_offset + 1
            yield flight

    def _is_stale(self, flight: Flight) -> bool:
        return self.broken or flight.epoch != self.epoch

    def _break(self) -> ReportOutcome:
        self.broken = True
        return ReportOutcome.BROKEN

    def _one_less(self, flight: Flight) -> ReportOutcome:
        flight.waiting -= 1
        return ReportOutcome.LANDED
