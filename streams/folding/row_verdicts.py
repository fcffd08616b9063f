"""What became of each row of the log, without a model: a verdict per row, as the fold gave it.

Coverage, erasures and the deduplication window decide it, and no model has a say. So the log can be
read for people (which plays count, and why others do not) at a fraction of the cost of a fold.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.vocabulary import Vocabulary
from streams.folding.batch_rows import Rows, RowSpan, joined
from streams.folding.coverage import BatchIgnored, Coverage
from streams.folding.deduplication_window import ENTRY, DeduplicationWindow, Verdict
from streams.folding.erasures import Erasures
from streams.folding.row_entries import row_entries
from topics.control_records import SourceAdded, SourceTruncated
from topics.learning_batch import LearningBatch
from topics.learning_log import LogRecord
from topics.listening_event import KIND_CODES

_ERASE = KIND_CODES["ERASE"]


class RowVerdict(IntEnum):
    """What became of a row; the first five are those of the deduplication window."""

    NEW = Verdict.NEW
    """It counts."""
    DUPLICATE = Verdict.DUPLICATE
    CONFLICT = Verdict.CONFLICT
    MASKED = Verdict.MASKED
    """A near duplicate: a play of another source counts in its place, unless a KEEP follows."""
    UNMASKED = Verdict.UNMASKED
    """A KEEP of a masked play: it counts."""
    ERASED = 5
    """It is not newer than an erasure of its listener."""
    NOT_COVERED = 6
    """Its batch does not follow, or its offset came before: it is, or will be, in another batch."""


COUNTING = (RowVerdict.NEW, RowVerdict.UNMASKED)
"""Verdicts on rows that count."""


class JudgedBatch(NamedTuple):
    """A batch of the log with a verdict on each of its rows."""

    offset: int
    batch: LearningBatch
    verdicts: NDArray[np.uint8]
    """`RowVerdict` of each row."""
    maskers: NDArray[Any]
    """Entry (dtype `ENTRY`) of the play that masks a row when it comes; zeros for all others.

    A later play may take another masker's place in this; see `window_kernels`.
    """


class RowVerdicts:
    """Follows the log from its start, or from where `load` says; give it every record, in order.

    Codes of texts are its own, and need not be those of a fold.
    """

    def __init__(self, duplicate_window: int) -> None:
        self._coverage = Coverage()
        self._erasures = Erasures()
        self._window = DeduplicationWindow(duplicate_window)
        self._listeners, self._tracks, self.sources = Vocabulary(), Vocabulary(), Vocabulary()

    def note(self, offset: int, record: LogRecord) -> JudgedBatch | None:
        """Notes the record at log offset `offset`; returns its rows' verdicts if it has rows."""
        if isinstance(record, LearningBatch):
            return self._batch(offset, record)
        if isinstance(record, SourceAdded):
            self._coverage.add_source(record)
        elif isinstance(record, SourceTruncated):
            self._coverage.truncate(record)
        return None

    @property
    def capacity(self) -> int:
        """How many events the window compares."""
        return self._window.capacity

    def summary(self) -> dict[str, Any]:
        """What `load` needs beside the arrays of `state`: JSON values."""
        return {**self._coverage.summary(), "erased": self._erasures.rows()}

    def state(self) -> dict[str, NDArray[Any]]:
        """The arrays that `load` needs."""
        return {
            f"{part}/{name}": array
            for part, holder in self._parts().items()
            for name, array in holder.state().items()
        }

    def load(self, summary: Mapping[str, Any], state: Mapping[str, NDArray[Any]]) -> None:
        """Goes on from the `summary()` and `state()` of another one with an equal window."""
        for part, holder in self._parts().items():
            prefix = f"{part}/"
            holder.load(
                {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
            )
        self._coverage = Coverage.of_summary(summary)
        self._erasures.load(summary["erased"])

    def _parts(self) -> dict[str, Any]:
        return {
            "window": self._window,
            "listeners": self._listeners,
            "tracks": self._tracks,
            "sources": self.sources,
        }

    def source_name(self, topic_id: bytes) -> str | None:
        """The name of a source topic; None if the log has not said it."""
        return self._coverage.names.get(topic_id)

    def _batch(self, offset: int, batch: LearningBatch) -> JudgedBatch:
        verdicts = np.full(len(batch), RowVerdict.NOT_COVERED, np.uint8)
        judged = JudgedBatch(offset, batch, verdicts, np.zeros(len(batch), ENTRY))
        first_new = self._coverage.first_new(batch)
        if isinstance(first_new, BatchIgnored):
            return judged
        self._coverage.cover(batch)
        start = int(np.searchsorted(batch.offsets, first_new))
        for at in (np.flatnonzero(batch.columns["kinds"][start:] == _ERASE) + start).tolist():
            self._span(judged, start, at)
            verdicts[at] = self._erase(batch, at, offset)
            start = at + 1
        self._span(judged, start, len(batch))
        return judged

    def _erase(self, batch: LearningBatch, row: int, offset: int) -> RowVerdict:
        listener_id = batch.strings[batch.columns["listeners"][row]]
        at_ms = int(batch.columns["listened_at"][row])
        if self._erasures.has(listener_id, at_ms):
            return RowVerdict.DUPLICATE
        self._erasures.erase(listener_id, at_ms, offset)
        code = self._listeners.code(listener_id)
        if code >= 0:
            self._window.forget(code)
            self._listeners.forget(listener_id)
        return RowVerdict.NEW

    def _span(self, judged: JudgedBatch, start: int, stop: int) -> None:
        """Judges the rows `start` to below `stop`; none is an ERASE."""
        if start == stop:
            return
        rows = joined([RowSpan(judged.offset, judged.batch, start, stop)])
        columns = rows.columns["listeners"], rows.columns["listened_at"]
        is_erased = self._erasures.refused(rows.strings, *columns)
        judged.verdicts[start:stop][is_erased] = RowVerdict.ERASED
        kept = np.flatnonzero(~is_erased)
        verdicts, maskers = self._window.classify_and_pair(self._entries(rows, kept))
        judged.verdicts[start + kept] = verdicts
        judged.maskers[start + kept] = maskers

    def _entries(self, rows: Rows, kept: NDArray[np.intp]) -> NDArray[Any]:
        return row_entries(
            rows,
            kept,
            listeners=rows.codes("listeners", kept, self._listeners),
            tracks=rows.codes("tracks", kept, self._tracks),
            sources=rows.codes("sources", kept, self.sources),
        )


def judged_batches(
    records: Iterable[tuple[int, LogRecord]], duplicate_window: int
) -> Iterator[JudgedBatch]:
    """Each batch of the log with its verdicts; `records` are (offset, record) from its start."""
    verdicts = RowVerdicts(duplicate_window)
    for offset, record in records:
        judged = verdicts.note(offset, record)
        if judged is not None:
            yield judged
