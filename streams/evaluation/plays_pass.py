"""Evaluates models on the plays of files, in order of time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.base import Columns, Ranker, Signal
from online_models.evaluation.contest import EVENTS_A_SLICE, Contest
from online_models.vocabulary import Vocabulary
from streams.sources.columnar.play_columns import PlayColumns, ReadingReport, is_repeated
from streams.sources.columnar.play_reader import read_plays

OnProgress = Callable[[float | None, str], object]
"""Is called with the finished share (None: unknown) and a text for the user."""


@dataclass(frozen=True)
class Stream:
    """The evaluated plays in order of time, and the rows that were left out."""

    plays: PlayColumns
    report: ReadingReport
    repeated: int
    """Number of exact repeats of a play: same listener, track and time."""
    dropped: int
    """Number of those that were left out."""

    def figures(self, min_history: int) -> dict[str, Any]:
        """Figures of the evaluated rows; JSON values with stable names."""
        report = self.report
        return {
            "scored_by": "column"
            if self.plays.scored is not None
            else f"min_history {min_history}",
            "columns": report.columns,
            "rows": report.rows,
            "applied": len(self.plays),
            "duplicates": self.dropped,
            "exact_repeats": self.repeated,
            "bad": report.bad,
            "bad_rows": [str(row) for row in report.bad_rows],
            "ignored": report.ignored.total(),
            "skipped": report.skipped,
        }


def read_stream(paths: Sequence[Path], listener_id: str | None, on_progress: OnProgress) -> Stream:
    """Reads and sorts the plays.

    Exact repeats are removed (deduplication), as in the fold. If the files have a column `scored`,
    every row stays instead, and exactly the rows that it selects are scored.
    """
    plays, report = read_plays(
        paths, listener_id, on_rows=lambda rows: on_progress(None, f"{rows:,} rows read")
    )
    repeated = is_repeated(plays)
    count = int(repeated.sum())
    if plays.scored is not None or not count:
        return Stream(plays, report, count, 0)
    return Stream(plays.rows(~repeated), report, count, count)


def run(contest: Contest, plays: PlayColumns, on_progress: OnProgress) -> None:
    """Gives all plays to every model."""
    ranker = contest.contestants[0].ranker
    for start in range(0, len(plays), EVENTS_A_SLICE):
        part = plays.rows(slice(start, start + EVENTS_A_SLICE))
        _name_all(ranker, plays, part)
        contest.take(_columns_of(part))
        done = start + len(part)
        on_progress(done / len(plays), f"{done:,} of {len(plays):,} events")
    contest.finish()


def _columns_of(plays: PlayColumns) -> Columns:
    return Columns(
        plays.listeners,
        plays.tracks,
        plays.artists,
        plays.rewards,
        plays.at_ms,
        np.full(len(plays), Signal.LISTEN, np.uint8),
    )


def _name_all(ranker: Ranker, plays: PlayColumns, part: PlayColumns) -> None:
    """Adds the ids of `part` to the vocabularies; codes are in the order of first appearance."""
    _name(ranker.users, plays.listener_ids, part.listeners)
    _name(ranker.items, plays.track_ids, part.tracks)
    _name(ranker.groups, plays.artist_ids, part.artists)


def _name(vocabulary: Vocabulary, ids: list[str], codes: NDArray[np.int32]) -> None:
    vocabulary.encode_many(ids[len(vocabulary) : int(codes.max(initial=-1)) + 1])
