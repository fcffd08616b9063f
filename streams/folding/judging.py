"""Says of each event in the log what becomes of it, for an export: verdicts without the erased.

The verdicts are those of `row_verdicts`, which needs no model. Rows of listeners who are erased
later in the log are left out.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.folding.erasures import Erasures, listener_hash
from streams.folding.row_verdicts import JudgedBatch, RowVerdict, RowVerdicts
from topics.learning_batch import LearningBatch
from topics.learning_log import LogRecord
from topics.listening_event import KIND_CODES

_ERASE = KIND_CODES["ERASE"]


class EventVerdict(StrEnum):
    """What the fold makes of an event. The names are stable, because they are in exports."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    """Its event id is that of another event with other content."""
    MASKED = "masked"
    """Another source's report of the same play counts in its place."""


_OF_ROW = {
    RowVerdict.NEW: EventVerdict.APPLIED,
    RowVerdict.UNMASKED: EventVerdict.APPLIED,
    RowVerdict.DUPLICATE: EventVerdict.DUPLICATE,
    RowVerdict.CONFLICT: EventVerdict.REFUSED,
    RowVerdict.MASKED: EventVerdict.MASKED,
}
"""Verdict on a row that may be exported → its name."""
_EXPORTED = [*_OF_ROW]


class JudgedRows(NamedTuple):
    """Rows of the batch at a log offset (positions, ascending), and the verdict of each."""

    log_offset: int
    batch: LearningBatch
    rows: NDArray[np.intp]
    verdicts: Sequence[EventVerdict]


class EventJudge:
    """Judges the log from its start; give it every record, in order.

    `erased` are the erasures as of the end of what is read. Rows of a listener who is among them
    are left out, unless they are newer than the erasure, and come after it in the log.
    """

    def __init__(self, erased: Erasures, duplicate_window: int) -> None:
        self._erased = erased
        self._last_erasure = max((each.log_offset for each in erased.newest.values()), default=-1)
        self._verdicts = RowVerdicts(duplicate_window)
        self.offset = -1
        """Log offset of the last record that was judged."""
        self.left_out = 0
        """Number of rows that were left out because their listener is erased."""

    def judge(self, records: Iterable[tuple[int, LogRecord]]) -> list[JudgedRows]:
        """The new rows of log records with their offsets, without those of ERASE."""
        judged = []
        for offset, record in records:
            self.offset = offset
            found = self._verdicts.note(offset, record)
            if found is not None:
                judged.append(self._without_erased(found))
        return [each for each in judged if len(each.rows)]

    def source_name(self, topic_id: bytes) -> str | None:
        """The name of a source topic; None if the log has not said it."""
        return self._verdicts.source_name(topic_id)

    def _without_erased(self, judged: JudgedBatch) -> JudgedRows:
        batch, verdicts = judged.batch, judged.verdicts
        is_event = (batch.columns["kinds"] != _ERASE) & (verdicts != RowVerdict.NOT_COVERED)
        is_kept = is_event & np.isin(verdicts, _EXPORTED) & ~self._to_be_erased(judged)
        self.left_out += int(is_event.sum() - is_kept.sum())
        rows = np.flatnonzero(is_kept)
        named = [_OF_ROW[RowVerdict(each)] for each in verdicts[rows].tolist()]
        return JudgedRows(judged.offset, batch, rows, named)

    def _to_be_erased(self, judged: JudgedBatch) -> NDArray[np.bool_]:
        """Which rows are of a listener whose last erasure is still to come."""
        is_to_be = np.zeros(len(judged.batch), np.bool_)
        if judged.offset > self._last_erasure:
            return is_to_be
        listeners = judged.batch.columns["listeners"]
        for at in set(listeners.tolist()):
            erasure = self._erased.newest.get(listener_hash(judged.batch.strings[at]))
            if erasure is not None and erasure.log_offset >= judged.offset:
                of_one = listeners == at
                if erasure.log_offset == judged.offset:
                    of_one[_last_erase_row(judged, of_one) :] = False
                is_to_be |= of_one
        return is_to_be


def _last_erase_row(judged: JudgedBatch, of_one: NDArray[np.bool_]) -> int:
    """The row of a batch that holds the last erasure of a listener whose rows are `of_one`."""
    is_erasure = of_one & (judged.batch.columns["kinds"] == _ERASE)
    return int(np.flatnonzero(is_erasure & (judged.verdicts == RowVerdict.NEW))[-1])
