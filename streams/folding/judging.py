"""Says of each event in the log whether it counts, without a model: what an export needs.

The rules are those of the fold itself. Only their consequences for a model are left out, so a log
is judged in a fraction of the time that it takes to learn it.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.base import Ranker
from streams.folding.batch_rows import RowSpan, joined
from streams.folding.deduplication_window import Verdict
from streams.folding.erasures import Erasures, listener_hash
from streams.folding.fold import Changed, Fold
from topics.learning_batch import LearningBatch
from topics.learning_log import LogRecord


class EventVerdict(StrEnum):
    """What the fold makes of an event. The names are stable, because they are in exports."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    """Its event id is that of another event with other content."""
    MASKED = "masked"
    """Another source's report of the same play counts in its place."""


_OF_VERDICT = {
    Verdict.NEW: EventVerdict.APPLIED,
    Verdict.DUPLICATE: EventVerdict.DUPLICATE,
    Verdict.CONFLICT: EventVerdict.REFUSED,
    Verdict.MASKED: EventVerdict.MASKED,
    Verdict.UNMASKED: EventVerdict.APPLIED,
}
_VERDICTS = np.array([_OF_VERDICT[each] for each in Verdict], object)


class JudgedRows(NamedTuple):
    """Rows of the batch at a log offset (positions, ascending), and the verdict of each."""

    log_offset: int
    batch: LearningBatch
    rows: NDArray[np.intp]
    verdicts: Sequence[EventVerdict]


class JudgingFold(Fold):
    """A fold that learns nothing, and keeps what it judges until `take`.

    `erased` are the erasures as of the end of what is read. Rows of a listener who is among them
    are left out, unless they are newer than the erasure, and come after it in the log.
    """

    def __init__(self, ranker: Ranker, baseline: Ranker, erased: Erasures, *, window: int) -> None:
        super().__init__(ranker, baseline, duplicate_window=window)
        self._erased = erased
        self._judged: list[JudgedRows] = []
        self.left_out = 0
        """Number of rows that were left out because their listener is erased."""

    def judge(self, records: Iterable[tuple[int, LogRecord]]) -> list[JudgedRows]:
        """Folds log records with their offsets; returns their new rows, without those of ERASE."""
        self.apply_many(records)
        judged, self._judged = self._judged, []
        return judged

    def _learn(self, spans: Sequence[RowSpan]) -> Changed:
        for span in spans:
            if span:
                self._judge(span)
        return Changed()

    def _judge(self, span: RowSpan) -> None:
        rows = joined([span])
        kept = self._not_erased(rows)
        users = rows.codes("listeners", kept, self.listeners)
        items = rows.codes("tracks", kept, self.ranker.items)
        verdicts = self._verdicts(rows, kept, users, items)
        known = ~self._to_be_erased(rows.strings, rows.columns["listeners"][kept])
        kept, verdicts = kept[known], verdicts[known]
        self.left_out += len(span) - len(kept)
        named = _VERDICTS[verdicts].tolist()
        self._judged.append(JudgedRows(span.offset, span.batch, span.start + kept, named))

    def _to_be_erased(
        self, strings: Sequence[str], listeners: NDArray[np.int32]
    ) -> NDArray[np.bool_]:
        """Which rows are of a listener whose last erasure is still to come."""
        if self.erasures.newest == self._erased.newest:
            return np.zeros(len(listeners), np.bool_)
        is_to_be = np.zeros(len(strings), np.bool_)
        for at in set(listeners.tolist()):
            key = listener_hash(strings[at])
            is_to_be[at] = self._erased.newest.get(key) != self.erasures.newest.get(key)
        return np.asarray(is_to_be[listeners])

    def _forget(self, listener_id: str, code: int) -> None:
        self.duplicates.forget(code)
        self.listeners.forget(listener_id)
