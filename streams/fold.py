"""The fold: state_n = fold(state_0, learning-log[0..n]); everything EchoTune promises hangs on it.

No clock, no I/O, no chance: the same log gives the same state, byte for byte, in any process.
For each batch the coverage says which rows are new; erasures and the duplicate window say which
of those count; each row that counts is first evaluated (where was this track in the list the
model gives right now?) and then learnt.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import orjson
import xxhash
from numpy.typing import NDArray

from online_models.base import Ranker
from online_models.evaluation import Prequential
from online_models.vocabulary import Vocabulary
from streams.coverage import Coverage, Ignored
from streams.duplicates import DuplicateWindow, EventColumns, Verdict, entries_of
from streams.erasures import Erasures
from streams.rewards import rewards_of, signals_of
from topics.control_records import ControlRecord, LogEpochStarted, SourceAdded, SourceTruncated
from topics.errors import LogError
from topics.learning_batch import LearningBatch, SourcePartition
from topics.learning_log import LogRecord
from topics.listening_event import KIND_CODES

FOLD_VERSION = 2
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


class Changed(NamedTuple):
    """What a log record changed: codes of listeners, and ids of listeners that were erased."""

    listeners: NDArray[np.int32]
    erased: tuple[str, ...] = ()


_NOTHING = Changed(np.empty(0, np.int32))


@dataclass(frozen=True)
class _Rows:
    """Rows `start` to `stop` of a batch, none of them an ERASE."""

    batch: LearningBatch
    start: int
    stop: int

    def column(self, name: str) -> NDArray[Any]:
        return self.batch.columns[name][self.start : self.stop]


class Fold:
    """State of one generation: the model, what it has seen of the log, and how well it did."""

    def __init__(self, ranker: Ranker, baseline: Ranker, *, duplicate_window: int) -> None:
        self.ranker = ranker
        self.baseline = baseline
        baseline.users, baseline.items, baseline.groups = ranker.users, ranker.items, ranker.groups
        self.offset = -1
        self.log_epoch = 0
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

    # -- folding ------------------------------------------------------------------------------

    def apply(self, offset: int, record: LogRecord) -> Changed:
        """Folds the log record at `offset`; records up to the state's own offset change nothing.

        Raises `LogError` unless the record follows exactly on the last one.
        """
        if offset <= self.offset:
            return _NOTHING
        if offset != self.offset + 1:
            raise LogError(
                f"learning-log goes on at {offset}, but the state ends at {self.offset}.",
                "The log was cut or is another one: start from a snapshot that fits it.",
            )
        self.offset = offset
        if isinstance(record, LearningBatch):
            return self._apply_batch(record)
        self._apply_control(record)
        return _NOTHING

    def _apply_control(self, control: ControlRecord) -> None:
        match control:
            case SourceAdded():
                self.coverage.add_source(control)
            case SourceTruncated():
                self.counts[Count.MISSED] += self.coverage.truncate(control)
            case LogEpochStarted():
                self.log_epoch = max(self.log_epoch, control.epoch)

    def _apply_batch(self, batch: LearningBatch) -> Changed:
        first_new = self.coverage.first_new(batch)
        if isinstance(first_new, Ignored):
            self.counts[f"batches_{first_new}"] += 1
            return _NOTHING
        start = int(np.searchsorted(batch.offsets, first_new))
        self._count_coverage(batch, first_new, len(batch) - start)
        self.coverage.cover(batch)
        return self._apply_rows(batch, start)

    def _count_coverage(self, batch: LearningBatch, first_new: int, rows: int) -> None:
        rejected = sum(offset >= first_new for offset, _ in batch.rejected)
        covered = batch.to_offset + 1 - first_new
        self.counts[Count.BATCHES] += 1
        self.counts[Count.REJECTED] += rejected
        self.counts[Count.VACANT] += covered - rows - rejected

    def _apply_rows(self, batch: LearningBatch, start: int) -> Changed:
        kinds = batch.columns["kinds"]
        erased: list[str] = []
        changed: list[NDArray[np.int32]] = []
        for at in (start + np.flatnonzero(kinds[start:] == _ERASE)).tolist():
            changed.append(self._learn(_Rows(batch, start, at)))
            erased.append(self._erase(batch, at))
            start = at + 1
        changed.append(self._learn(_Rows(batch, start, len(kinds))))
        return Changed(_distinct(changed), tuple(erased))

    def _erase(self, batch: LearningBatch, row: int) -> str:
        listener_id = batch.strings[batch.columns["listeners"][row]]
        self.erasures.erase(listener_id, int(batch.columns["listened_at"][row]))
        self.counts[Count.APPLIED] += 1
        self.counts[Count.ERASURES] += 1
        code = self.listeners.code(listener_id)
        if code >= 0:
            self._forget(listener_id, code)
        return listener_id

    def _forget(self, listener_id: str, code: int) -> None:
        self.ranker.forget(code)
        self.baseline.forget(code)
        self.duplicates.forget(code)
        self._per_listener[code] = _NO_EVENT
        self.listeners.forget(listener_id)

    def _learn(self, rows: _Rows) -> NDArray[np.int32]:
        kept = self._not_erased(rows)
        if not len(kept):
            return _NOTHING.listeners
        users = _codes(rows, "listeners", kept, self.listeners)
        items = _codes(rows, "tracks", kept, self.ranker.items)
        new = self._new(rows, kept, users, items)
        users, items, kept = users[new], items[new], kept[new]
        self._test_then_learn(rows, kept, users, items)
        self._touch(users, rows.column("listened_at")[kept])
        self.counts[Count.APPLIED] += len(kept)
        return users

    def _not_erased(self, rows: _Rows) -> NDArray[np.intp]:
        listeners = rows.column("listeners")
        if not self.erasures.erased_at:
            return np.arange(len(listeners))
        refused = self.erasures.refused(rows.batch.strings, listeners, rows.column("listened_at"))
        self.counts[Count.ERASED] += int(refused.sum())
        self.counts[Count.REJECTED] += int(refused.sum())
        return np.flatnonzero(~refused)

    def _new(
        self,
        rows: _Rows,
        kept: NDArray[np.intp],
        users: NDArray[np.int32],
        items: NDArray[np.int32],
    ) -> NDArray[np.bool_]:
        kinds = rows.column("kinds")[kept]
        verdicts = self.duplicates.classify(
            entries_of(
                EventColumns(
                    keys=np.ascontiguousarray(rows.column("event_keys")[kept]),
                    listeners=users,
                    tracks=items,
                    at_ms=rows.column("listened_at")[kept],
                    sources=_codes(rows, "sources", kept, self._sources),
                    listens=kinds == _LISTEN,
                    kinds=kinds,
                    ms_played=rows.column("ms_played")[kept],
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
        rows: _Rows,
        kept: NDArray[np.intp],
        users: NDArray[np.int32],
        items: NDArray[np.int32],
    ) -> None:
        chosen = slice(rows.start, rows.stop)
        columns = (
            users,
            items,
            _codes(rows, "artists", kept, self.ranker.groups),
            rewards_of(rows.batch)[chosen][kept],
            rows.column("listened_at")[kept],
            signals_of(rows.column("kinds")[kept]),
        )
        for model, quality in (
            (self.ranker, self.quality),
            (self.baseline, self.baseline_quality),
        ):
            quality.update(users, model.learn_many(*columns), columns[-1])

    def _touch(self, users: NDArray[np.int32], at_ms: NDArray[np.int64]) -> None:
        known = len(self._per_listener)
        if known < len(self.listeners):
            grown = np.full(max(2 * known, len(self.listeners), 1024), _NO_EVENT)
            grown[:known] = self._per_listener
            self._per_listener = grown
        self._per_listener["last_changed"][users] = self.offset
        np.maximum.at(self._per_listener["newest"], users, at_ms)

    # -- what the publisher asks ---------------------------------------------------------------

    def changed_after(self, frontier: int) -> NDArray[np.int32]:
        """Codes of listeners whose newest change is at a log offset beyond `frontier`."""
        last_changed = self._per_listener["last_changed"][: len(self.listeners)]
        return np.flatnonzero(last_changed > frontier).astype(np.int32)

    def remembered(self, listeners: NDArray[np.int32]) -> NDArray[np.int32]:
        """Those of `listeners` (codes) that were not erased since they changed."""
        return listeners[self._per_listener["last_changed"][listeners] >= 0]

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
            "erased_at": sorted([k.hex(), at] for k, at in self.erasures.erased_at.items()),
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
        arrays = {
            f"{part}/{name}": array
            for part, holder in self._parts().items()
            for name, array in holder.state().items()
        }
        return arrays | {"per_listener": self._live_listeners().copy()}

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
        self.erasures.erased_at = {bytes.fromhex(k): at for k, at in summary["erased_at"]}


_LISTENER = np.dtype([("last_changed", "<i8"), ("newest", "<i8")])
_NO_EVENT = np.array((-1, 0), _LISTENER)


def _hexed(source: SourcePartition) -> tuple[str, int]:
    return source.topic_id.hex(), source.partition


def _distinct(parts: Sequence[NDArray[np.int32]]) -> NDArray[np.int32]:
    return np.unique(np.concatenate(parts))


def _codes(
    rows: _Rows, column: str, kept: NDArray[np.intp], vocabulary: Vocabulary
) -> NDArray[np.int32]:
    """Codes in `vocabulary` of a text column, new texts by first appearance; -1 is null."""
    positions = rows.column(column)[kept]
    wanted = [at for at in dict.fromkeys(positions.tolist()) if at >= 0]
    table = np.full(len(rows.batch.strings) + 1, -1, np.int32)
    table[wanted] = vocabulary.encode_many([rows.batch.strings[at] for at in wanted])
    return table[positions]
