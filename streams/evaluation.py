"""Evaluates the configured model by the same fold that runs live: on history, or on the log.

Prequential: each play is looked for in the list of the moment before it is learnt (Dawid 1984;
Gama, Sebastião & Rodrigues 2013). Baselines meet identical events.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from online_models.evaluation import Prequential
from online_models.registry import build
from streams.fold import Fold
from streams.log_reader import LogReader
from streams.recommender_app import new_fold
from streams.settings import Settings
from streams.warming import warm_up
from topics.learning_batch import LearningBatch, SourcePartition, SourceRow, columns_of
from topics.learning_log import LogRecord, decode_log_record
from topics.listening_event import ListeningEvent

EVENTS_A_BATCH = 1_000
_SOURCE = SourcePartition(bytes(16), 0)
_BASELINES = ("own_recent", "last_transition")
"""Beside popularity, which every fold has."""

OnProgress = Callable[[int], object]
"""Gets how many more events were evaluated."""


class Evaluator:
    """The configured model and its baselines, side by side on the same log records."""

    def __init__(self, settings: Settings, *, k: int, min_history: int) -> None:
        warm_up(settings)
        self._k = k
        self._fold = new_fold(settings)
        ranker, baseline = (build({"model": name}) for name in _BASELINES)
        self._others = Fold(ranker, baseline, duplicate_window=settings.duplicate_window)
        for fold in (self._fold, self._others):
            fold.quality = Prequential(min_history=min_history)
            fold.baseline_quality = Prequential(min_history=min_history)
        self._seconds = 0.0

    def apply(self, offset: int, record: LogRecord) -> None:
        """Evaluates and learns one log record."""
        began = time.perf_counter()
        self._fold.apply(offset, record)
        self._seconds += time.perf_counter() - began
        self._others.apply(offset, record)

    def result(self) -> dict[str, Any]:
        """JSON values with stable names; speed is that of the model and popularity together."""
        fold, others = self._fold, self._others
        names = ("popularity", *_BASELINES)
        each = (fold.baseline_quality, others.quality, others.baseline_quality)
        return {
            "model": fold.ranker.model_name,
            **self._figures(fold.quality),
            "baselines": {
                name: self._figures(quality) for name, quality in zip(names, each, strict=True)
            },
            "applied": fold.applied,
            "duplicates": fold.counts["duplicate"],
            "listeners": len(fold.listeners),
            "tracks": len(fold.ranker.items),
            "events_per_second": round(fold.applied / max(self._seconds, 1e-9)),
            "offset": fold.offset,
            "digest": fold.digest(),
        }

    def _figures(self, quality: Prequential) -> dict[str, Any]:
        at_k = Prequential(k=self._k, min_history=quality.min_history)
        at_k.load(quality.state() | {"ranks": quality.ranks[: self._k]})
        return at_k.summary()


def evaluate_history(
    evaluator: Evaluator, events: Iterable[ListeningEvent], on_progress: OnProgress
) -> None:
    """Evaluates `events`, which come in order of time, as one source partition."""
    for offset, batch in enumerate(_batches(events)):
        evaluator.apply(offset, batch)
        on_progress(len(batch))


def _batches(events: Iterable[ListeningEvent]) -> Iterator[LearningBatch]:
    waiting = iter(events)
    first = 0
    while some := list(islice(waiting, EVENTS_A_BATCH)):
        rows = [
            SourceRow(first + at, event.listened_at or 0, vars(event))
            for at, event in enumerate(some)
        ]
        strings, columns = columns_of(rows, first)
        last = first + len(some) - 1
        yield LearningBatch(_SOURCE, first, last, strings, columns)
        first = last + 1


def evaluate_log(evaluator: Evaluator, kafka: str, on_progress: OnProgress) -> None:
    """Evaluates the learning-log from its start to its present end."""
    with LogReader(kafka) as reader:
        for offset, value in reader.records(0, reader.bounds().end - 1):
            record = decode_log_record(value, offset)
            evaluator.apply(offset, record)
            on_progress(len(record) if isinstance(record, LearningBatch) else 0)
