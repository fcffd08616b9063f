"""Splits an accepted chunk into log batches: contiguous coverage, bounded size. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streams.sequencing.validation import Accepted
from topics.catalogue import LEARNING_RECORD_BYTES_MAX
from topics.errors import LogError
from topics.learning_batch import LearningBatch, SourcePartition, SourceRow, columns_of
from topics.learning_log import encode_log_record

HEADROOM_BYTES = 64 * 1024
"""Bytes below the topic's max.message.bytes that are reserved for the record's framing."""
ROWS_A_BATCH_MAX = 10_000


@dataclass(frozen=True)
class BatchOrigin:
    """The fields of a batch that are equal for all batches of one assignment and partition."""

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
    """Encoded batches, each at most `bytes_max` long, that cover `from_offset` to `to_offset`.

    A chunk without any valid row still yields one batch, so that the coverage advances.
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
    """Offset after which the coverage is split; it is below `to_offset`."""
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
