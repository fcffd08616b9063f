"""Evaluates models on the learning-log through the fold; no model learns an event that it drops."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from online_models.base import NOT_LISTED, Columns, Ranker
from online_models.evaluation.contest import Contest
from online_models.registry import build
from streams.evaluation.late_ranker import wake, wakes_at
from streams.folding.fold import Fold
from streams.folding.fold_state import Count
from streams.generation.fold_factory import BASELINE
from streams.kafka.log_reader import LogReader
from streams.settings import Settings
from topics.learning_log import LogRecord

RECORDS_AT_ONCE = 64

OnEvents = Callable[[int], object]
"""Is called with the number of events evaluated so far."""
OnAppended = Callable[[NDArray[np.int64]], object]
"""Is called with the append times (ms) of events that were learnt, in order."""


class _Contested:
    """Adapter that the fold uses as its model: all models learn, and the first one answers.

    The fold's state and digest are therefore equal to the live ones.
    """

    def __init__(self, contest: Contest) -> None:
        self._contest = contest

    def learn_many(self, columns: Columns) -> NDArray[np.int32]:
        """Every model learns; returns the ranks of the first one."""
        return np.maximum(self._contest.take(columns), NOT_LISTED)

    def forget(self, user_code: int) -> None:
        """Every model forgets the listener."""
        for each in self._contest.contestants:
            each.ranker.forget(user_code)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._contest.contestants[0].ranker, name)


def stream_figures_of(fold: Fold, min_history: int) -> dict[str, Any]:
    """Figures of the evaluated events; JSON values with stable names."""
    return {
        "scored_by": f"min_history {min_history}",
        "applied": fold.applied,
        "duplicates": fold.counts[Count.DUPLICATE],
        "offset": fold.offset,
        "digest": fold.digest(),
    }


def fold_of(contest: Contest, settings: Settings) -> Fold:
    """A fold whose model is the comparison."""
    ranker = cast(Ranker, _Contested(contest))
    return Fold(
        ranker,
        build(BASELINE),
        duplicate_window=settings.duplicate_window,
        learn_from=settings.learn_from,
    )


def run(
    contest: Contest,
    settings: Settings,
    kafka: str,
    on_events: OnEvents,
    on_appended: OnAppended = len,
) -> Fold:
    """Evaluates the learning-log from its start to its current end; returns the fold.

    It begins to learn, and ends, where `settings` says so.
    """
    fold = fold_of(contest, settings)
    with LogReader(kafka) as reader:
        last = reader.bounds().end - 1
        if settings.learn_until is not None:
            last = min(last, settings.learn_until)
        for part in _parts(reader.decoded(0, last), wakes_at(contest)):
            wake(contest, part[0][0])
            on_appended(fold.apply_many(part).appended_at)
            on_events(fold.applied)
    contest.finish()
    return fold


def _parts(
    records: Iterable[tuple[int, LogRecord]], begins_at: set[int]
) -> Iterator[list[tuple[int, LogRecord]]]:
    """The records in portions, one of which begins at each of `begins_at`."""
    part: list[tuple[int, LogRecord]] = []
    for each in records:
        if part and (len(part) == RECORDS_AT_ONCE or each[0] in begins_at):
            yield part
            part = []
        part.append(each)
    if part:
        yield part
