"""Rows of log records side by side: what a fold learns at once, whatever records they came in."""

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
    """Rows `start` to `stop` of the batch at `offset` of the log, none of them an ERASE."""

    offset: int
    batch: LearningBatch
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class Rows:
    """Columns as in `LearningBatch`, of which text columns hold positions in `strings`."""

    strings: Sequence[str]
    columns: dict[str, NDArray[Any]]
    log_offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.log_offsets)

    def codes(
        self, column: str, kept: NDArray[np.intp], vocabulary: Vocabulary
    ) -> NDArray[np.int32]:
        """Codes in `vocabulary` of a text column's `kept` rows, new texts by first appearance.

        -1 is null.
        """
        positions = self.columns[column][kept]
        wanted = [at for at in dict.fromkeys(positions.tolist()) if at >= 0]
        table = np.full(len(self.strings) + 1, -1, np.int32)
        table[wanted] = vocabulary.encode_many([self.strings[at] for at in wanted])
        return table[positions]


def joined(pieces: Sequence[RowSpan]) -> Rows:
    """The rows of `pieces`, in that order."""
    lengths = [len(piece) for piece in pieces]
    columns = {name: _joined_column(pieces, name) for name in (*_NUMBERS, *_TEXTS)}
    log_offsets = np.repeat([piece.offset for piece in pieces], lengths)
    if len(pieces) == 1:
        return Rows(pieces[0].batch.strings, columns, log_offsets)
    strings = [text for piece in pieces for text in piece.batch.strings]
    before = [0, *accumulate(len(piece.batch.strings) for piece in pieces)]
    shifts = np.repeat(before[:-1], lengths)
    for name in _TEXTS:
        positions = columns[name]
        columns[name] = np.where(positions < 0, positions, positions + shifts)
    return Rows(strings, columns, log_offsets)


def _joined_column(pieces: Sequence[RowSpan], name: str) -> NDArray[Any]:
    return np.concatenate([piece.batch.columns[name][piece.start : piece.stop] for piece in pieces])
