"""The log by its own account: which rows of which source count, once each and without a hole.

This knows nothing of the fold's own bookkeeping, with which its sums are compared. Pure.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from streams.verifying.findings import Broken, LogSums, Promise
from topics.catalogue import LISTENING_EVENTS
from topics.control_records import SourceAdded, SourceTruncated
from topics.learning_batch import LearningBatch, SourcePartition
from topics.learning_log import LogRecord


class Counted(NamedTuple):
    """A batch that counts, from `first_new` of its source on.

    A source whose introduction the log has lost, or not yet, is the topic that there is.
    """

    log_offset: int
    source_name: str
    batch: LearningBatch
    first_new: int

    @property
    def rejected(self) -> list[tuple[int, str]]:
        """(source offset, reason) of what it rejects anew."""
        return [(at, reason) for at, reason in self.batch.rejected if at >= self.first_new]


class LogAudit:
    """Follows the log from its start."""

    def __init__(self) -> None:
        self._ended: dict[SourcePartition, int] = {}
        self._names: dict[bytes, str] = {}
        self._current: dict[str, bytes] = {}
        self._ahead: dict[SourcePartition, tuple[int, int]] = {}
        self._next_offset = 0
        self.ledger = LogSums()
        self.broken: list[Broken] = []

    def note(self, offset: int, record: LogRecord) -> Counted | None:
        """Takes the record at `offset`; returns what of it counts."""
        if offset != self._next_offset:
            self._break(offset, f"the log goes on at {offset}, not at {self._next_offset}")
        self._next_offset = offset + 1
        if isinstance(record, SourceAdded):
            self._names[record.topic_id] = record.name
            if record.adopted or record.name not in self._current:
                self._current[record.name] = record.topic_id
        elif isinstance(record, SourceTruncated):
            source = SourcePartition(record.topic_id, record.partition)
            self._ended[source] = max(self._ended.get(source, 0), record.log_start)
        elif isinstance(record, LearningBatch):
            return self._batch(offset, record)
        return None

    def _batch(self, offset: int, batch: LearningBatch) -> Counted | None:
        name = self._names.get(batch.source.topic_id, "")
        if name and self._current[name] != batch.source.topic_id:
            return None
        expected = self._ended.get(batch.source, 0)
        if batch.to_offset < expected:
            return None
        if batch.from_offset > expected:
            self._ahead.setdefault(batch.source, (offset, batch.to_offset))
            return None
        counted = Counted(offset, name or LISTENING_EVENTS.name, batch, expected)
        self._count(counted)
        self._ended[batch.source] = batch.to_offset + 1
        if batch.source in self._ahead and self._ahead[batch.source][1] <= batch.to_offset:
            del self._ahead[batch.source]
        return counted

    def _count(self, counted: Counted) -> None:
        batch = counted.batch
        rows = [at for at in batch.offsets.tolist() if at >= counted.first_new]
        rejected = [at for at, _ in counted.rejected]
        told = set(rows) | set(rejected)
        if len(told) < len(rows) + len(rejected):
            self._break(counted.log_offset, "an offset is a row and rejected, or told twice")
        if told and not counted.first_new <= min(told) <= max(told) <= batch.to_offset:
            self._break(counted.log_offset, "an offset lies outside of what the batch covers")
        covered = batch.to_offset + 1 - counted.first_new
        self.ledger = LogSums(
            self.ledger.covered + covered,
            self.ledger.rows + len(rows),
            self.ledger.rejected + len(rejected),
            self.ledger.vacant + covered - len(told),
        )

    def _break(self, offset: int, what: str) -> None:
        self.broken.append(Broken(Promise.CONTIGUOUS, f"learning-log/0/{offset}", what))

    # -- sums ----------------------------------------------------------------------------------

    @property
    def next(self) -> Mapping[SourcePartition, int]:
        """First offset of each source partition that is not covered."""
        return self._ended

    def holes(self) -> Iterator[Broken]:
        """Batches that were ignored, since a predecessor is missing, and never came again."""
        for source, (offset, to_offset) in self._ahead.items():
            name = self._names.get(source.topic_id, source.topic_id.hex())
            missing = f"{name}/{source.partition}/{self._ended.get(source, 0)}"
            what = f"{missing} is missing before what covers {to_offset}"
            yield Broken(Promise.CONTIGUOUS, f"learning-log/0/{offset}", what)

    def differences(self, counts: Mapping[str, int]) -> Iterator[Broken]:
        """What the fold's own counters say otherwise; `counts` are those of the fold."""
        refused = counts.get("conflict", 0) + counts.get("refused_after_erasure", 0)
        kept = counts.get("applied", 0) + counts.get("duplicate", 0) + refused
        pairs = {
            "rows that are applied, duplicate or refused": (kept, self.ledger.rows),
            "rejected": (counts.get("rejected", 0) - refused, self.ledger.rejected),
            "vacant": (counts.get("vacant", 0), self.ledger.vacant),
        }
        for name, (counted, audited) in pairs.items():
            if counted != audited:
                what = f"{name}: the state counts {counted}, the log holds {audited}"
                yield Broken(Promise.COUNTED, "the end of the log", what)
