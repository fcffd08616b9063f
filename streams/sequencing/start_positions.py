"""Decides at which offset each partition is read first, and writes the control records before that.

A partition begins at min(committed, the fold's `next`). This repairs offsets that were moved by
hand, and a lost tail of the log, while the source still has the rows. If retention has deleted
them, a control record in the log states it. No offset is ever reset automatically.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from streams.heartbeats.fold_position import FoldPosition
from streams.kafka.topic_facts import Bounds
from topics.control_records import ControlRecord, SourceAdded, SourceTruncated
from topics.errors import LogError
from topics.learning_batch import SourcePartition

_log = structlog.get_logger(__name__)

WriteControl = Callable[[ControlRecord], Awaitable[None]]
"""Writes to the log, and returns as soon as the record is acknowledged."""


class TopicPartition(NamedTuple):
    """A partition of a topic; it is equal to Faust's `TP`, which is the same tuple."""

    topic: str
    partition: int


@dataclass(frozen=True)
class Source:
    """The topic that is sequenced."""

    name: str
    topic_id: bytes
    partitions: int

    def partition(self, tp: TopicPartition) -> SourcePartition:
        """The name of `tp` in the log."""
        return SourcePartition(self.topic_id, tp.partition)


@dataclass(frozen=True)
class Cluster:
    """Facts that Kafka reports at the moment of an assignment."""

    source: Source
    committed: Mapping[TopicPartition, int | None]
    bounds: Mapping[TopicPartition, Bounds]
    log_end: int
    """The offset that the next record of the learning-log will get."""


def start_of(committed: int | None, folded: int | None) -> int:
    """First offset to read. None means that nothing was committed, or that no fold is known.

    >>> start_of(100, 40), start_of(100, None), start_of(None, 40), start_of(None, None)
    (40, 100, 40, 0)
    """
    known = [at for at in (committed, folded) if at is not None]
    return min(known, default=0)


async def starting_positions(
    cluster: Cluster, fold: FoldPosition, write: WriteControl
) -> dict[TopicPartition, int]:
    """Introduces the source if no fold knows it; returns each partition's first offset."""
    source = cluster.source
    if fold.topic_ids.get(source.name) != source.topic_id:
        await write(SourceAdded(source.topic_id, source.name))
    positions = {}
    for tp in sorted(cluster.committed):
        folded = fold.next.get(source.partition(tp), 0) if fold.is_known else None
        wanted = start_of(cluster.committed[tp], folded)
        bounds = cluster.bounds[tp]
        _check_end(tp, wanted, bounds)
        if (folded or 0) < bounds.start and wanted < bounds.start:
            _log.error("rows of the source are gone", tp=str(tp), first=wanted, to=bounds.start)
            await write(SourceTruncated(source.topic_id, tp.partition, bounds.start))
        positions[tp] = max(wanted, bounds.start)
    return positions


def _check_end(tp: TopicPartition, wanted: int, bounds: Bounds) -> None:
    if wanted > bounds.end:
        raise LogError(
            f"{tp.topic}/{tp.partition} ends at {bounds.end}, but {wanted} is to be read next.",
            "The topic lost its tail or was recreated: see docs/operations.md.",
        )
