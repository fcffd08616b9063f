"""Rows of several log records, joined into columns that the fold learns in one step."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.vocabulary import Vocabulary
from topics.learning_batch import LearningBatch

_NUMBERS = ("appended_at", "event_keys", "kinds", "listened_at", "ms_played", "duration_ms")
_TEXTS = ("listeners", "tracks", "artists", "sources", "reasons_end")


@dataclass(frozen=True)
class RowSpan:
    """Rows `start` to below `stop` of the batch at log offset `offset`; none is an ERASE."""

    offset: int
    batch: LearningBatch
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class Rows:
    """Columns as in `LearningBatch`; a text column holds positions in `strings`."""

    strings: Sequence[str]
    columns: dict[str, NDArray[Any]]
    log_offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.log_offsets)

    def codes(
        self, column: str, kept: NDArray[np.intp], vocabulary: Vocabulary
    ) -> NDArray[np.int32]:
        """Codes in `vocabulary` of a text column's `kept` rows; -1 is null.

        New texts get their codes in the order of first appearance.
        """
        positions = self.columns[column][kept]
        wanted = [at for at in dict.fromkeys(positions.tolist()) if at >= 0]
        table = np.full(len(self.strings) + 1, -1, np.int32)
        table[wanted] = vocabulary.encode_many([self.strings[at] for at in wanted])
        return table[positions]


def joined(spans: Sequence[RowSpan]) -> Rows:
    """The rows of `spans`, in the order of `spans`."""
    lengths = [len(span) for span in spans]
    columns = {name: _joined_column(spans, name) for name in (*_NUMBERS, *_TEXTS)}
    log_offsets = np.repeat([span.offset for span in spans], lengths)
    if len(spans) == 1:
        return Rows(spans[0].batch.strings, columns, log_offsets)
    strings = [text for span in spans for text in span.batch.strings]
    before = [0, *accumulate(len(span.batch.strings) for span in spans)]
    shifts = np.repeat(before[:-1], lengths)
    for name in _TEXTS:
        positions = columns[name]
        columns[name] = np.where(positions < 0, positions, positions + shifts)
    return Rows(strings, columns, log_offsets)


def _joined_column(spans: Sequence[RowSpan], name: str) -> NDArray[Any]:
    return np.concatenate([span.batch.columns[name][span.start : span.stop] for span in spans])
