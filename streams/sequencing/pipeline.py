"""Pipelined writes to the log: which chunks may be acknowledged, and when.

Several chunks may be in flight to the log. Each has the epoch of its assignment, and is
acknowledged only after its predecessor, by delivery reports of the same epoch, at log offsets above
those of its predecessor. After the first report that breaks this rule no chunk of the epoch is
acknowledged any more: a new epoch begins at the committed offset. A single chunk is never resent:
its successor may already be in the log, acknowledged but ignored by the folds as too early.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class ReportOutcome(Enum):
    """What a delivery report means for the pipeline."""

    WRITTEN = "written"
    STALE = "stale"
    BROKEN = "broken"


@dataclass
class ChunkInFlight:
    """A chunk that is in flight to the log."""

    epoch: int
    from_offset: int
    to_offset: int
    reports_due: int
    """How many delivery reports of its records (batches, dead letters) are still missing."""
    message: object
    log_offset: int = -1
    """Log offset of its last acknowledged batch."""


class Pipeline:
    """The chunks in flight of one source partition, in order; one object per epoch."""

    def __init__(self, epoch: int, position: int) -> None:
        self.epoch = epoch
        self.position = position
        """First source offset that no chunk of this epoch covers yet."""
        self.next_to_acknowledge = position
        """First source offset of this epoch that the log has not acknowledged."""
        self.in_flight: deque[ChunkInFlight] = deque()
        self.broken = False
        self._log_offset = -1

    def add(self, to_offset: int, records: int, message: object) -> ChunkInFlight:
        """Adds a chunk that ends at `to_offset` and is sent as `records` records."""
        chunk = ChunkInFlight(self.epoch, self.position, to_offset, records, message)
        self.in_flight.append(chunk)
        self.position = to_offset + 1
        return chunk

    def report_batch(self, chunk: ChunkInFlight, log_offset: int | None) -> ReportOutcome:
        """Notes the log offset of a batch of `chunk`; None if the write failed.

        Reports of one partition come in order. An offset that is not above all earlier ones
        therefore means that the log lost its tail in between.
        """
        if self._is_stale(chunk):
            return ReportOutcome.STALE
        if log_offset is None or log_offset <= self._log_offset:
            return self._break()
        self._log_offset = chunk.log_offset = log_offset
        return self._count_report(chunk)

    def report_letter(self, chunk: ChunkInFlight, written: bool) -> ReportOutcome:
        """Notes whether a dead letter of `chunk` was written."""
        if self._is_stale(chunk):
            return ReportOutcome.STALE
        return self._count_report(chunk) if written else self._break()

    def acknowledgeable(self) -> Iterator[ChunkInFlight]:
        """Removes and yields the chunks that may be acknowledged: complete, and in order."""
        while self.in_flight and not self.in_flight[0].reports_due and not self.broken:
            chunk = self.in_flight.popleft()
            self.next_to_acknowledge = chunk.to_offset + 1
            yield chunk

    def _is_stale(self, chunk: ChunkInFlight) -> bool:
        return self.broken or chunk.epoch != self.epoch

    def _break(self) -> ReportOutcome:
        self.broken = True
        return ReportOutcome.BROKEN

    def _count_report(self, chunk: ChunkInFlight) -> ReportOutcome:
        chunk.reports_due -= 1
        return ReportOutcome.WRITTEN
