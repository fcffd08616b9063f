"""Which rows of the log count, without a model: the fold's coverage, erasures and window. Pure."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.registry import build
from streams.folding.batch_rows import Rows
from streams.folding.fold import Fold
from topics.learning_batch import LearningBatch
from topics.learning_log import LogRecord


class CountedRows(NamedTuple):
    """The rows of one log record that count, and the listeners that it erases."""

    batch: LearningBatch
    rows: list[int]
    erased: list[str]


class RowVerdicts(Fold):
    """A fold that learns nothing; it says of each log record which rows count."""

    def __init__(self, *, duplicate_window: int) -> None:
        super().__init__(
            build({"model": "popularity"}),
            build({"model": "popularity"}),
            duplicate_window=duplicate_window,
        )
        self._kept: list[bytes] = []

    def counted(self, offset: int, record: LogRecord) -> CountedRows | None:
        """Folds a log record; None if it is no batch of events."""
        self._kept = []
        changed = self.apply(offset, record)
        if not isinstance(record, LearningBatch):
            return None
        kept = set(self._kept)
        keys = record.columns["event_keys"].tolist()
        return CountedRows(
            record, [at for at, key in enumerate(keys) if bytes(key) in kept], [*changed.erased]
        )

    def _test_then_learn(self, rows: Rows, kept: NDArray[np.intp], users: Any, items: Any) -> None:
        self._kept += [bytes(each) for each in rows.columns["event_keys"][kept].tolist()]
