"""Adds up independently which rows of the log count, and finds where the log breaks a promise.

`folding/log_account` decides which rows count. Both are independent of the fold's own bookkeeping,
with which these sums are compared. Pure.
"""

from collections.abc import Iterator, Mapping

from streams.folding.log_account import Counted, LogAccount
from streams.verifying.promises import Broken, LogSums, Promise
from topics.learning_batch import SourcePartition
from topics.learning_log import LogRecord


class LogAudit:
    """Reads the log from its start, and adds up the rows that count."""

    def __init__(self) -> None:
        self._account = LogAccount()
        self._next_offset = 0
        self.ledger = LogSums()
        self.broken: list[Broken] = []

    def note(self, offset: int, record: LogRecord) -> Counted | None:
        """Notes the record at `offset`; returns the part of it that counts."""
        if offset != self._next_offset:
            self._break(offset, f"the log continues at {offset}, not at {self._next_offset}")
        self._next_offset = offset + 1
        counted = self._account.note(offset, record)
        if counted is not None:
            self._count(counted)
        return counted

    def _count(self, counted: Counted) -> None:
        batch = counted.batch
        rows = [at for at in batch.offsets.tolist() if at >= counted.first_new]
        rejected = [at for at, _ in counted.rejected]
        offsets = set(rows) | set(rejected)
        if len(offsets) < len(rows) + len(rejected):
            self._break(counted.log_offset, "an offset is a row and rejected, or repeated")
        if offsets and not counted.first_new <= min(offsets) <= max(offsets) <= batch.to_offset:
            self._break(counted.log_offset, "an offset is outside of the range of the batch")
        covered = batch.to_offset + 1 - counted.first_new
        self.ledger = LogSums(
            self.ledger.covered + covered,
            self.ledger.rows + len(rows),
            self.ledger.rejected + len(rejected),
            self.ledger.vacant + covered - len(offsets),
        )

    def _break(self, offset: int, what: str) -> None:
        self.broken.append(Broken(Promise.CONTIGUOUS, f"learning-log/0/{offset}", what))

    # -- sums ----------------------------------------------------------------------------------

    @property
    def next(self) -> Mapping[SourcePartition, int]:
        """The first offset of each source partition that is not covered (the low watermark)."""
        return self._account.next

    def holes(self) -> Iterator[Broken]:
        """Batches that were ignored because a predecessor is missing, and were not repeated."""
        for each in self._account.holes():
            missing = f"{each.source_name}/{each.partition}/{each.first_missing}"
            what = f"{missing} is missing before the batch up to {each.to_offset}"
            yield Broken(Promise.CONTIGUOUS, f"learning-log/0/{each.log_offset}", what)

    def differences(self, counts: Mapping[str, int]) -> Iterator[Broken]:
        """Sums that differ from `counts`, the fold's own counters."""
        refused = counts.get("conflict", 0) + counts.get("refused_after_erasure", 0)
        learnt = counts.get("applied", 0) + counts.get("duplicate", 0)
        kept = learnt + refused + counts.get("skimmed", 0)
        pairs = {
            "rows that are applied, duplicate or refused": (kept, self.ledger.rows),
            "rejected": (counts.get("rejected", 0) - refused, self.ledger.rejected),
            "vacant": (counts.get("vacant", 0), self.ledger.vacant),
        }
        for name, (counted, audited) in pairs.items():
            if counted != audited:
                what = f"{name}: the state counts {counted}, the log holds {audited}"
                yield Broken(Promise.COUNTED, "the end of the log", what)
