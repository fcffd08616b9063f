"""Which rows of each source partition the log counts, each once and without a gap. Pure.

This account is independent of the fold's own bookkeeping (`coverage`). The verifier compares the
two, and dead letters can be looked up without a fold.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from topics.catalogue import LISTENING_EVENTS
from topics.control_records import SourceAdded, SourceTruncated
from topics.learning_batch import LearningBatch, SourcePartition
from topics.learning_log import LogRecord


class Counted(NamedTuple):
    """A batch that counts, from offset `first_new` of its source partition on.

    If the log has no record that introduces the source (it is lost, or not written yet), the
    source is assumed to be `listening-events`.
    """

    log_offset: int
    source_name: str
    batch: LearningBatch
    first_new: int

    @property
    def rejected(self) -> list[tuple[int, str]]:
        """(source offset, reason) of the records that the log rejects for the first time here."""
        return [(at, reason) for at, reason in self.batch.rejected if at >= self.first_new]


class Hole(NamedTuple):
    """A gap: source offsets that a batch at `log_offset` skipped, and that no batch covers."""

    log_offset: int
    source_name: str
    partition: int
    first_missing: int
    to_offset: int
    """The last source offset that the batch that came too early covers."""


class LogAccount:
    """Follows the records of the log from its start."""

    def __init__(self) -> None:
        self._next: dict[SourcePartition, int] = {}
        self._names: dict[bytes, str] = {}
        self._current: dict[str, bytes] = {}
        self._early: dict[SourcePartition, tuple[int, int]] = {}

    def note(self, offset: int, record: LogRecord) -> Counted | None:
        """Notes the record at log offset `offset`; returns the part of it that counts, if any."""
        if isinstance(record, SourceAdded):
            self._names[record.topic_id] = record.name
            if record.adopted or record.name not in self._current:
                self._current[record.name] = record.topic_id
        elif isinstance(record, SourceTruncated):
            source = SourcePartition(record.topic_id, record.partition)
            self._next[source] = max(self._next.get(source, 0), record.log_start)
        elif isinstance(record, LearningBatch):
            return self._batch(offset, record)
        return None

    def _batch(self, offset: int, batch: LearningBatch) -> Counted | None:
        name = self._names.get(batch.source.topic_id, "")
        if name and self._current[name] != batch.source.topic_id:
            return None
        expected = self._next.get(batch.source, 0)
        if batch.to_offset < expected:
            return None
        if batch.from_offset > expected:
            self._early.setdefault(batch.source, (offset, batch.to_offset))
            return None
        self._next[batch.source] = batch.to_offset + 1
        if batch.source in self._early and self._early[batch.source][1] <= batch.to_offset:
            del self._early[batch.source]
        return Counted(offset, name or LISTENING_EVENTS.name, batch, expected)

    @property
    def next(self) -> Mapping[SourcePartition, int]:
        """The first offset of each source partition that is not covered."""
        return self._next

    def holes(self) -> Iterator[Hole]:
        """The gaps before batches that were ignored as too early and were never sent again."""
        for source, (offset, to_offset) in self._early.items():
            name = self._names.get(source.topic_id, source.topic_id.hex())
            yield Hole(offset, name, source.partition, self._next.get(source, 0), to_offset)
