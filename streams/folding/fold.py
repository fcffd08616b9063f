"""The fold: state_n = fold(state_0, learning-log[0..n]); everything EchoTune promises hangs on it.

No clock, no I/O, no chance: the same log gives the same state, byte for byte, in any process.
For each batch the coverage says which rows are new; erasures and the duplicate window say which
of those count; each row that counts is first evaluated (where was this track in the list the
model gives right now?) and then learnt.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson
import xxhash
from numpy.typing import NDArray

from online_models.base import Ranker
from online_models.evaluation.prequential import Prequential
from online_models.vocabulary import Vocabulary
from streams.folding.batch_rows import Rows, RowSpan, joined
from streams.folding.coverage import BatchIgnored, Coverage
from streams.folding.duplicate_window import DuplicateWindow, EventColumns, Verdict, entries_of
from streams.folding.erasures import Erasure, Erasures
from streams.folding.log_position import LogPosition
from streams.folding.rewards import rewards_of, signals_of
from streams.folding.state_copy import Views, copied
from topics.control_records import ControlRecord, LogEpochStarted, SourceAdded, SourceTruncated
from topics.errors import LogError
from topics.learning_batch import LearningBatch, SourcePartition
from topics.learning_log import LogRecord
from topics.listening_event import KIND_CODES

FOLD_VERSION = 6
"""Raised whenever the same log gives another state; a snapshot of another version is not loaded."""

_ERASE = KIND_CODES["ERASE"]
_LISTEN = KIND_CODES["LISTEN"]


class Count:
    """Names of the fold's counters."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    CONFLICT = "conflict"
    ERASED = "refused_after_erasure"
    VACANT = "vacant"
    MISSED = "missed_in_source"
    ERASURES = "erasures"
    BATCHES = "batches"


_NONE = np.empty(0, np.int32)
_NO_TIMES = np.empty(0, np.int64)


class Changed(NamedTuple):
    """What log records changed.

    Codes of listeners, ids of erased listeners, and when the broker got each event learnt (ms).
    """

    listeners: NDArray[np.int32] = _NONE
    erased: tuple[str, ...] = ()
    appended_at: NDArray[np.int64] = _NO_TIMES


class Fold:
    """State of one generation: the model, what it has seen of the log, and how well it did."""

    def __init__(self, ranker: Ranker, baseline: Ranker, *, duplicate_window: int) -> None:
        self.ranker = ranker
        self.baseline = baseline
        baseline.users, baseline.items, baseline.groups = ranker.users, ranker.items, ranker.groups
        self.offset = -1
        self.log_epoch = 0
        self.record_hash = ""
        """Of the record at `offset`, as whoever reads the log says; no part of the state."""
        self.coverage = Coverage()
        self.counts: Counter[str] = Counter()
        self.duplicates = DuplicateWindow(duplicate_window)
        self.erasures = Erasures()
        self.quality = Prequential()
        self.baseline_quality = Prequential()
        self._sources = Vocabulary()
        self._per_listener = np.zeros(0, _LISTENER)

    @property
    def listeners(self) -> Vocabulary:
        """Listener ids and their codes."""
        return self.ranker.users

    @property
    def applied(self) -> int:
        """Events in the model."""
        return self.counts[Count.APPLIED]

    @property
    def position(self) -> LogPosition:
        """Where the state stands in the log."""
        return LogPosition(self.log_epoch, self.offset, self.record_hash)

    # -- folding ------------------------------------------------------------------------------

    def apply(self, offset: int, record: LogRecord) -> Changed:
        """Folds the log record at `offset`; see `apply_many`."""
        return self.apply_many([(offset, record)])

    def apply_many(self, records: Iterable[tuple[int, LogRecord]]) -> Changed:
        """Folds log records with their offsets: the same as one by one, at less cost a record.

        Records up to the state's own offset change nothing. Raises `LogError` unless each of the
        others follows exactly on the last one.
        """
        learnt: list[Changed] = []
        waiting: list[RowSpan] = []
        for offset, record in records:
            if not self._is_next(offset):
                continue
            self.offset = offset
            if not isinstance(record, LearningBatch):
                self._apply_control(record)
                continue
            for piece in self._new_pieces(offset, record):
                waiting.append(piece)
                if piece.stop < len(record):
                    learnt += [self._learn(waiting), self._erase(record, piece.stop)]
                    waiting = []
        return together([*learnt, self._learn(waiting)])

    def _is_next(self, offset: int) -> bool:
        if offset > self.offset + 1:
            raise LogError(
                f"learning-log goes on at {offset}, but the state ends at {self.offset}.",
                "The log was cut or is another one: start from a snapshot that fits it.",
            )
        return offset == self.offset + 1

    def _apply_control(self, control: ControlRecord) -> None:
        match control:
            case SourceAdded():
                self.coverage.add_source(control)
            case SourceTruncated():
                self.counts[Count.MISSED] += self.coverage.truncate(control)
            case LogEpochStarted():
                self.log_epoch = max(self.log_epoch, control.epoch)

    def _new_pieces(self, offset: int, batch: LearningBatch) -> list[RowSpan]:
        """The batch's rows that are new, in pieces between its ERASE rows; covers the batch."""
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
        if self.erasures.has(listener_id, at_ms):  # what was played since is not meant
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
        self._per_listener[code] = _NO_EVENT
        self.listeners.forget(listener_id)

    def _learn(self, pieces: Sequence[RowSpan]) -> Changed:
        if not any(pieces):
            return Changed()
        rows = joined(pieces)
        kept = self._not_erased(rows)
        users = rows.codes("listeners", kept, self.listeners)
        items = rows.codes("tracks", kept, self.ranker.items)
        new = self._new(rows, kept, users, items)
        users, items, kept = users[new], items[new], kept[new]
        self._test_then_learn(rows, kept, users, items)
        self._touch(users, rows.columns["listened_at"][kept], rows.log_offsets[kept])
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

    def _new(
        self,
        rows: Rows,
        kept: NDArray[np.intp],
        users: NDArray[np.int32],
        items: NDArray[np.int32],
    ) -> NDArray[np.bool_]:
        kinds = rows.columns["kinds"][kept]
        verdicts = self.duplicates.classify(
            entries_of(
                EventColumns(
                    keys=np.ascontiguousarray(rows.columns["event_keys"][kept]),
                    listeners=users,
                    tracks=items,
                    at_ms=rows.columns["listened_at"][kept],
                    sources=rows.codes("sources", kept, self._sources),
                    listens=kinds == _LISTEN,
                    kinds=kinds,
                    ms_played=rows.columns["ms_played"][kept],
                )
            )
        )
        counted = np.bincount(verdicts, minlength=len(Verdict))
        self.counts[Count.DUPLICATE] += int(counted[Verdict.DUPLICATE])
        self.counts[Count.CONFLICT] += int(counted[Verdict.CONFLICT])
        self.counts[Count.REJECTED] += int(counted[Verdict.CONFLICT])
        return np.asarray(verdicts == Verdict.NEW)

    def _test_then_learn(
        self,
        rows: Rows,
        kept: NDArray[np.intp],
        users: NDArray[np.int32],
        items: NDArray[np.int32],
    ) -> None:
        columns = (
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
            ranks = model.learn_many(*columns)
            quality.update(users, ranks, columns[-1], rows.log_offsets[kept])

    def _touch(
        self,
        users: NDArray[np.int32],
        at_ms: NDArray[np.int64],
        log_offsets: NDArray[np.int64],
    ) -> None:
        known = len(self._per_listener)
        if known < len(self.listeners):
            grown = np.full(max(2 * known, len(self.listeners), 1024), _NO_EVENT)
            grown[:known] = self._per_listener
            self._per_listener = grown
        np.maximum.at(self._per_listener["last_changed"], users, log_offsets)
        np.maximum.at(self._per_listener["newest"], users, at_ms)

    # -- what the publisher asks ---------------------------------------------------------------

    def changed_after(self, frontier: int) -> NDArray[np.int32]:
        """Codes of listeners whose newest change is at a log offset beyond `frontier`."""
        last_changed = self._per_listener["last_changed"][: len(self.listeners)]
        return np.flatnonzero(last_changed > frontier).astype(np.int32)

    def remembered(self, listeners: NDArray[np.int32]) -> NDArray[np.int32]:
        """Those of `listeners` (codes) that were not erased since they changed."""
        return listeners[self._per_listener["last_changed"][listeners] >= 0]

    def last_changed(self, listeners: NDArray[np.int32]) -> NDArray[np.int64]:
        """Log offset of the record that changed each listener last."""
        return np.asarray(self._per_listener["last_changed"][listeners])

    def newest(self, listeners: NDArray[np.int32]) -> NDArray[np.int64]:
        """listened_at of each listener's newest event, ms."""
        return np.asarray(self._per_listener["newest"][listeners])

    # -- digest and snapshot -------------------------------------------------------------------

    def summary(self) -> dict[str, Any]:
        """The small part of the state, as JSON values with a fixed order."""
        return {
            "offset": self.offset,
            "log_epoch": self.log_epoch,
            "counts": dict(sorted(self.counts.items())),
            "next": sorted([*_hexed(at), position] for at, position in self.coverage.next.items()),
            "names": sorted([key.hex(), name] for key, name in self.coverage.names.items()),
            "topic_ids": sorted([n, key.hex()] for n, key in self.coverage.topic_ids.items()),
            "erased": sorted([key.hex(), *at] for key, at in self.erasures.newest.items()),
        }

    def digest(self) -> str:
        """32 hex digits that are equal exactly for equal states (xxh3, 128 bits)."""
        state = xxhash.xxh3_128(orjson.dumps([FOLD_VERSION, self.summary()]))
        for model in (self.ranker, self.baseline):
            state.update(model.digest().encode())
        for part in (self.duplicates, self._sources):
            state.update(part.digest())
        state.update(self._live_listeners().tobytes())
        for quality in (self.quality, self.baseline_quality):
            for name, array in sorted(quality.state().items()):
                state.update(name.encode())
                state.update(np.ascontiguousarray(array).tobytes())
        return state.hexdigest()

    def _live_listeners(self) -> NDArray[Any]:
        return self._per_listener[: len(self.listeners)]

    def _parts(self) -> dict[str, Any]:
        return {
            "ranker": self.ranker,
            "baseline": self.baseline,
            "duplicates": self.duplicates,
            "sources": self._sources,
            "quality": self.quality,
            "baseline_quality": self.baseline_quality,
        }

    def state(self) -> dict[str, NDArray[Any]]:
        """Every array of the state, by name; with `summary()` it is the whole state."""
        return copied(self.views())

    def views(self) -> Views:
        """The arrays of `state()`, some of them the state's own memory: to be copied at once."""
        views: dict[str, Sequence[NDArray[Any]]] = {"per_listener": [self._live_listeners()]}
        for part, holder in self._parts().items():
            for name, parts in _views_of(holder).items():
                views[f"{part}/{name}"] = parts
        return views

    def load(self, summary: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Takes over `summary()` and `state()` of a fold of the same configuration."""
        for part, holder in self._parts().items():
            prefix = f"{part}/"
            holder.load(
                {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
            )
        self._per_listener = arrays["per_listener"].copy()
        self.offset, self.log_epoch = summary["offset"], summary["log_epoch"]
        self.counts = Counter(summary["counts"])
        self.coverage = Coverage(
            next={SourcePartition(bytes.fromhex(k), p): at for k, p, at in summary["next"]},
            topic_ids={name: bytes.fromhex(key) for name, key in summary["topic_ids"]},
            names={bytes.fromhex(key): name for key, name in summary["names"]},
        )
        self.erasures.newest = {bytes.fromhex(k): Erasure(*at) for k, *at in summary["erased"]}


_LISTENER = np.dtype([("last_changed", "<i8"), ("newest", "<i8")])
_NO_EVENT = np.array((-1, 0), _LISTENER)


def _views_of(holder: Any) -> Views:
    """Of a part of the state; one that has no views copies itself."""
    if hasattr(holder, "views"):
        return dict(holder.views())
    return {name: [array] for name, array in holder.state().items()}


def _hexed(source: SourcePartition) -> tuple[str, int]:
    return source.topic_id.hex(), source.partition


def together(parts: Sequence[Changed]) -> Changed:
    """What one or more changes changed, as one."""
    return Changed(
        np.unique(np.concatenate([part.listeners for part in parts])),
        tuple(listener_id for part in parts for listener_id in part.erased),
        np.concatenate([part.appended_at for part in parts]),
    )
