"""The fold (state machine): state_n = fold(state_0, learning-log[0..n]).

It uses no clock, no I/O and no randomness: the same log gives the same state, byte for byte, in any
process. For each batch the coverage decides which rows are new. Erasures and the deduplication
window decide which of those count. Each row that counts is first evaluated (the rank of its track
in the list that the model gives right now) and then learnt.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.base import Columns
from streams.folding.batch_rows import Rows, RowSpan, joined
from streams.folding.coverage import BatchIgnored
from streams.folding.deduplication_window import COUNTING, Verdict
from streams.folding.fold_state import Count, FoldState
from streams.folding.rewards import rewards_of, signals_of
from streams.folding.row_entries import row_entries
from topics.control_records import (
    ControlRecord,
    LogEpochStarted,
    SourceAdded,
    SourceTruncated,
    StrayRecord,
)
from topics.learning_batch import LearningBatch
from topics.learning_log import LogRecord, gap_error
from topics.listening_event import KIND_CODES

_ERASE = KIND_CODES["ERASE"]
_NONE = np.empty(0, np.int32)
_NO_TIMES = np.empty(0, np.int64)


class Changed(NamedTuple):
    """The effect of log records on the state.

    Codes of changed listeners, ids of erased listeners, and the append time (ms) of each event
    that was learnt.
    """

    listeners: NDArray[np.int32] = _NONE
    erased: tuple[str, ...] = ()
    appended_at: NDArray[np.int64] = _NO_TIMES


class Fold(FoldState):
    """The state, and the transitions that log records cause."""

    def apply(self, offset: int, record: LogRecord) -> Changed:
        """Folds the log record at `offset`; see `apply_many`."""
        return self.apply_many([(offset, record)])

    def apply_many(self, records: Iterable[tuple[int, LogRecord]]) -> Changed:
        """Folds log records with their offsets: the same as one by one, at a lower cost per record.

        Records up to and including the state's own offset change nothing. Raises `LogError` if
        there is a gap before one of the other records.
        """
        learnt: list[Changed] = []
        unlearnt: list[RowSpan] = []
        for offset, record in records:
            if not self._is_next(offset):
                continue
            self.offset = offset
            if not isinstance(record, LearningBatch):
                self._apply_control(record)
                continue
            if offset < self.learn_from:
                learnt += self._skim(offset, record)
                continue
            for span in self._new_spans(offset, record):
                unlearnt.append(span)
                if span.stop < len(record):
                    learnt += [self._learn(unlearnt), self._erase(record, span.stop)]
                    unlearnt = []
        return merged_changes([*learnt, self._learn(unlearnt)])

    def _skim(self, offset: int, batch: LearningBatch) -> list[Changed]:
        """Covers the batch and folds its erasures; its rows are counted, and not learnt."""
        changes = []
        for span in self._new_spans(offset, batch):
            self.counts[Count.SKIMMED] += len(span)
            if span.stop < len(batch):
                changes.append(self._erase(batch, span.stop))
        return changes

    def _is_next(self, offset: int) -> bool:
        if offset > self.offset + 1:
            raise gap_error(self.offset + 1, offset)
        return offset == self.offset + 1

    def _apply_control(self, control: ControlRecord) -> None:
        match control:
            case StrayRecord():
                self.counts[Count.STRAY] += 1
            case SourceAdded():
                self.coverage.add_source(control)
            case SourceTruncated():
                self.counts[Count.MISSED] += self.coverage.truncate(control)
            case LogEpochStarted():
                self.log_epoch = max(self.log_epoch, control.epoch)

    def _new_spans(self, offset: int, batch: LearningBatch) -> list[RowSpan]:
        """The batch's new rows, in spans between its ERASE rows; marks the batch as covered."""
        first_new = self.coverage.first_new(batch)
        if isinstance(first_new, BatchIgnored):
            self.counts[f"batches_{first_new}"] += 1
            return []
        start = int(np.searchsorted(batch.offsets, first_new))
        self._count_coverage(batch, first_new, len(batch) - start)
        self.coverage.cover(batch)
        erasures = (start + np.flatnonzero(batch.columns["kinds"][start:] == _ERASE)).tolist()
        starts, stops = [start, *(at + 1 for at in erasures)], [*erasures, len(batch)]
        return [RowSpan(offset, batch, *each) for each in zip(starts, stops, strict=True)]

    def _count_coverage(self, batch: LearningBatch, first_new: int, rows: int) -> None:
        rejected = sum(offset >= first_new for offset, _ in batch.rejected)
        covered = batch.to_offset + 1 - first_new
        self.counts[Count.BATCHES] += 1
        self.counts[Count.REJECTED] += rejected
        self.counts[Count.VACANT] += covered - rows - rejected

    def _erase(self, batch: LearningBatch, row: int) -> Changed:
        listener_id = batch.strings[batch.columns["listeners"][row]]
        at_ms = int(batch.columns["listened_at"][row])
        if self.erasures.has(listener_id, at_ms):  # a repeated ERASE must not erase later plays
            self.counts[Count.DUPLICATE] += 1
            return Changed()
        self.erasures.erase(listener_id, at_ms, self.offset)
        self.counts[Count.APPLIED] += 1
        self.counts[Count.ERASURES] += 1
        code = self.listeners.code(listener_id)
        if code >= 0:
            self._forget(listener_id, code)
        return Changed(erased=(listener_id,))

    def _forget(self, listener_id: str, code: int) -> None:
        self.ranker.forget(code)
        self.baseline.forget(code)
        self.duplicates.forget(code)
        self.changes.forget(code)
        self.listeners.forget(listener_id)

    def _learn(self, spans: Sequence[RowSpan]) -> Changed:
        if not any(spans):
            return Changed()
        rows = joined(spans)
        kept = self._not_erased(rows)
        users = rows.codes("listeners", kept, self.listeners)
        items = rows.codes("tracks", kept, self.ranker.items)
        new = np.isin(self._verdicts(rows, kept, users, items), COUNTING)
        users, items, kept = users[new], items[new], kept[new]
        self._test_then_learn(rows, kept, users, items)
        self.changes.note(users, rows.columns["listened_at"][kept], rows.log_offsets[kept])
        self.counts[Count.APPLIED] += len(kept)
        return Changed(users, appended_at=rows.columns["appended_at"][kept])

    def _not_erased(self, rows: Rows) -> NDArray[np.intp]:
        listeners = rows.columns["listeners"]
        if not self.erasures.newest:
            return np.arange(len(rows))
        at_ms = rows.columns["listened_at"]
        refused = self.erasures.refused(rows.strings, listeners, at_ms)
        self.counts[Count.ERASED] += int(refused.sum())
        self.counts[Count.REJECTED] += int(refused.sum())
        return np.flatnonzero(~refused)

    def _verdicts(
        self,
        rows: Rows,
        kept: NDArray[np.intp],
        users: NDArray[np.int32],
        items: NDArray[np.int32],
    ) -> NDArray[np.uint8]:
        """`Verdict` of each of the `kept` rows, by the deduplication window."""
        sources = rows.codes("sources", kept, self.sources)
        verdicts = self.duplicates.classify(
            row_entries(rows, kept, listeners=users, tracks=items, sources=sources)
        )
        counted = np.bincount(verdicts, minlength=len(Verdict))
        self.counts[Count.DUPLICATE] += int(counted[Verdict.DUPLICATE] + counted[Verdict.MASKED])
        self.counts[Count.CONFLICT] += int(counted[Verdict.CONFLICT])
        self.counts[Count.REJECTED] += int(counted[Verdict.CONFLICT])
        self.masked.note(sources, verdicts)
        return np.asarray(verdicts)

    def _test_then_learn(
        self,
        rows: Rows,
        kept: NDArray[np.intp],
        users: NDArray[np.int32],
        items: NDArray[np.int32],
    ) -> None:
        columns = Columns(
            users,
            items,
            rows.codes("artists", kept, self.ranker.groups),
            rewards_of(rows)[kept],
            rows.columns["listened_at"][kept],
            signals_of(rows.columns["kinds"][kept]),
        )
        for model, quality in (
            (self.ranker, self.quality),
            (self.baseline, self.baseline_quality),
        ):
            ranks = model.learn_many(columns)
            quality.update(users, ranks, columns.signals, rows.log_offsets[kept])


def merged_changes(parts: Sequence[Changed]) -> Changed:
    """Merges one or more changes into one."""
    return Changed(
        np.unique(np.concatenate([part.listeners for part in parts])),
        tuple(listener_id for part in parts for listener_id in part.erased),
        np.concatenate([part.appended_at for part in parts]),
    )
