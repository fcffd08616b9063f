"""A ranker that blends experts by fixed weights; a subclass is nothing but its weights."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from online_models.blending import (
    Blend,
    PerListener,
    PerTrack,
    Shared,
    Weights,
    learn_rows,
    recommend_rows,
    score_items,
)
from online_models.candidates import REASONS, Candidates, no_candidates
from online_models.column_ranker import ColumnRanker
from online_models.contexts import clear_context, no_contexts
from online_models.hated import clear_hated, none_hated
from online_models.own_history import clear_plays, no_plays
from online_models.popularity import empty_chart, no_popularity
from online_models.transitions import no_transitions


class ExpertBlend(ColumnRanker):
    """Score = transition part + own part + popular part.

    Candidates are the followers of the last two tracks, the listener's own last plays, and the
    chart; at most `PROPOSED_MAX`, whatever `k` and the catalogue.
    """

    reasons = REASONS
    weights: ClassVar[Weights]

    # -- stores ------------------------------------------------------------------------------

    def _is_personal(self) -> bool:
        return self.weights.has_plays or self.weights.steps > 0

    def _no_listeners(self, rows: int) -> PerListener:
        return PerListener(
            contexts=no_contexts(rows if self._is_personal() else 0),
            plays=no_plays(rows if self.weights.has_plays else 0),
            hated=none_hated(rows),
        )

    def _no_tracks(self, rows: int) -> PerTrack:
        return PerTrack(
            transitions=no_transitions(rows if self.weights.steps > 0 else 0),
            popularity=no_popularity(rows),
        )

    def _nothing_shared(self) -> Shared:
        return Shared(chart=empty_chart(), clock_ms=np.zeros(1, np.int64))

    def _no_scratch(self, tracks: int) -> Candidates:
        return no_candidates(tracks)

    def _blend(self) -> Blend:
        return Blend(self._listeners, self._tracks, self._shared, self._scratch, self.weights)

    # -- learning ----------------------------------------------------------------------------

    def _learn_rows(self, rows: NDArray[np.void], ranks: NDArray[np.int32], evaluate: bool) -> None:
        learn_rows(self._blend(), rows, ranks, evaluate)

    def _clear_listener(self, code: int) -> None:
        clear_hated(self._listeners.hated, code)
        if self._is_personal():
            clear_context(self._listeners.contexts, code)
        if self.weights.has_plays:
            clear_plays(self._listeners.plays, code)

    # -- queries -----------------------------------------------------------------------------

    def recommend_many(
        self, users: NDArray[np.int32], k: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.uint8]]:
        """See `Ranker.recommend_many`."""
        items = np.full((len(users), k), -1, np.int32)
        scores = np.zeros((len(users), k), np.float64)
        reasons = np.zeros((len(users), k), np.uint8)
        recommend_rows(self._blend(), np.array(users, np.int32), items, scores, reasons)
        return items, scores, reasons

    def scores(self, user: int, items: NDArray[np.int32]) -> NDArray[np.float64]:
        """See `Ranker.scores`."""
        scores = np.zeros(len(items), np.float64)
        score_items(self._blend(), user, np.array(items, np.int32), scores)
        return scores
