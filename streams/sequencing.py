"""The sequencer's decisions: coverage without holes, and a pipeline that cannot lose in its middle.

A chunk becomes one or more batches with contiguous coverage. Several chunks may be on their way
to the log at once; each carries the epoch of its assignment, and is acknowledged only after its
predecessor, by a report of the same epoch, at a log offset above its predecessor's. After the
first report that breaks this nothing of the epoch is acknowledged any more: the pipeline begins
a new epoch from the committed offset, and what reached the log twice is masked by the fold.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from streams.acceptance import Accepted
from topics.catalogue import LEARNING_RECORD_BYTES_MAX
from topics.errors import LogError
from topics.learning_batch import LearningBatch, SourcePartition, SourceRow, columns_of
from topics.learning_log import encode_log_record

HEADROOM_BYTES = 64 * 1024
"""Below the topic's max.message.bytes: the record's own framing."""
ROWS_A_BATCH_MAX = 10_000


@dataclass(frozen=True)
class BatchOrigin:
    """What every batch of one assignment says of its sequencer."""

    source: SourcePartition
    assignment_epoch: int
    sequencer_id: str
    sequencer_version: str


def batches_of(
    accepted: Accepted,
    origin: BatchOrigin,
    from_offset: int,
    to_offset: int,
    bytes_max: int = LEARNING_RECORD_BYTES_MAX - HEADROOM_BYTES,
) -> Iterator[bytes]:
    """Encoded batches that together cover `from_offset` to `to_offset`, each small enough.

    A chunk without any valid row still gives one batch, so that the coverage moves.
    """
    rows = accepted.rows
    rejected = [(each.record.offset, str(each.rejected.reason)) for each in accepted.rejected]
    batch = _batch(rows, rejected, origin, from_offset, to_offset)
    encoded = encode_log_record(batch)
    if len(encoded) <= bytes_max and len(rows) <= ROWS_A_BATCH_MAX:
        yield encoded
        return
    middle = _middle(from_offset, to_offset, rows)
    for first, last in ((from_offset, middle), (middle + 1, to_offset)):
        half = Accepted(
            [row for row in rows if first <= row.offset <= last],
            [each for each in accepted.rejected if first <= each.record.offset <= last],
        )
        yield from batches_of(half, origin, first, last, bytes_max)


def _middle(from_offset: int, to_offset: int, rows: Sequence[SourceRow]) -> int:
    """Offset after which the coverage is cut; below `to_offset`."""
    if from_offset == to_offset:
        raise LogError(
            f"The event at source offset {to_offset} does not fit a learning-log record.",
            "Raise max.message.bytes of learning-log.",
        )
    offset = rows[(len(rows) - 1) // 2].offset if rows else (from_offset + to_offset) // 2
    return min(offset, to_offset - 1)


def _batch(
    rows: Sequence[SourceRow],
    rejected: list[tuple[int, str]],
    origin: BatchOrigin,
    from_offset: int,
    to_offset: int,
) -> LearningBatch:
    strings, columns = columns_of(rows, from_offset)
    return LearningBatch(
        source=origin.source,
        from_offset=from_offset,
        to_offset=to_offset,
        strings=strings,
        columns=columns,
        rejected=rejected,
        assignment_epoch=origin.assignment_epoch,
        sequencer_id=origin.sequencer_id,
        sequencer_version=origin.sequencer_version,
    )


class Verdict(Enum):
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
    """Where its first batch landed."""


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
        self.first_landed: Flight | None = None
        self._log_offset = -1

    def launch(self, to_offset: int, records: int, chunk: object) -> Flight:
        """Takes a chunk that ends at `to_offset` on its way as `records` records."""
        flight = Flight(self.epoch, self.position, to_offset, records, chunk)
        self.flights.append(flight)
        self.position = to_offset + 1
        return flight

    def report(self, flight: Flight, log_offset: int | None) -> Verdict:
        """Notes at which log offset a batch of `flight` landed; None: it failed.

        Reports of one partition come in order, so an offset that is not above all earlier ones
        means that the log was cut between them.
        """
        landed = log_offset is not None and log_offset > self._log_offset
        if landed and log_offset is not None and not self._is_stale(flight):
            self._log_offset = log_offset
            if flight.log_offset < 0:
                flight.log_offset = log_offset
        return self.report_letter(flight, landed)

    def report_letter(self, flight: Flight, landed: bool) -> Verdict:
        """Notes whether a dead letter of `flight` landed."""
        if self._is_stale(flight):
            return Verdict.STALE
        if not landed:
            self.broken = True
            return Verdict.BROKEN
        flight.waiting -= 1
        return Verdict.LANDED

    def _is_stale(self, flight: Flight) -> bool:
        return self.broken or flight.epoch != self.epoch

    def landed(self) -> Iterator[Flight]:
        """Chunks that may be acknowledged now: each whole, and after its predecessor."""
        while self.flights and not self.flights[0].waiting and not self.broken:
            flight = self.flights.popleft()
            self.next_to_acknowledge = flight.to_offset + 1
            self.first_landed = self.first_landed or flight
            yield flight


def was_ignored(pipeline: Pipeline, as_of: int, folded: int) -> bool:
    """Whether the fold went past our first batch and still misses what precedes it.

    `as_of` is the fold's place in the log, `folded` its `next` of this source partition.
    """
    first = pipeline.first_landed
    return first is not None and as_of >= first.log_offset and folded < first.from_offset
