"""The product's model: experts that count, and a blend that learns from the ranking of every play.

Read `experts/` for what is known of each candidate, `blend/` for how it becomes one score.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates import ASKED_MAX, SLOTS, Candidates, no_candidates
from online_models.blend.features import REASONS
from online_models.blend.learner import clear_own_weights, no_own_weights, nothing_learnt
from online_models.blend.ranking import (
    Blend,
    PerListener,
    PerTrack,
    Shared,
    Sizes,
    answer,
    learn_rows,
)
from online_models.blend.situation import MISSED, SITUATION
from online_models.blend.tables import TABLES
from online_models.column_ranker import ColumnRanker
from online_models.contexts import clear_context, no_contexts
from online_models.errors import ModelError
from online_models.experts import artists, co_occurrence, transitions
from online_models.experts.fading_rows import no_rows
from online_models.experts.ngrams import no_ngrams
from online_models.experts.own_plays import clear_plays, no_plays
from online_models.hated import clear_hated, none_hated
from online_models.popularity import empty_chart, no_popularity


class Preset(NamedTuple):
    """A choice between quality and speed."""

    sizes: Sizes
    plays_max: int
    """Plays of a listener that are kept."""
    pairs: int
    """Contexts of two tracks that are kept, and of three; powers of two."""
    triples: int


WITHOUT: dict[str, dict[str, Any]] = {
    "transition": {"followers": (0, 0, 0)},
    "sequence": {},
    "together": {"companions": 0},
    "own": {"own": 0},
    "artist": {"artists": False},
}
"""Experts that can be left out, and what is set so."""


class AdaptiveBlend(ColumnRanker):
    """Learns how much to believe each expert, for everybody, each situation and each listener.

    `without`: names of experts that are left out (keys of `WITHOUT`). `blend_every`: the weights
    learn from every n-th play only; the experts always learn from all.
    """

    reasons = REASONS
    preset: ClassVar[Preset]

    def __init__(self, without: Sequence[str] | None = None, blend_every: int = 1) -> None:
        self.without = sorted(without or [])
        self.blend_every = blend_every
        _check(self.without, blend_every)
        changes: dict[str, Any] = {"blend_every": blend_every}
        for name in self.without:
            changes |= WITHOUT[name]
        self._sizes = self.preset.sizes._replace(**changes)
        super().__init__()

    def identity(self) -> list[Any]:
        """See `Ranker.identity`."""
        return [*super().identity(), self.without, self.blend_every]

    # -- stores ------------------------------------------------------------------------------

    def _no_listeners(self, rows: int) -> PerListener:
        return PerListener(
            contexts=no_contexts(rows),
            plays=no_plays(rows, self.preset.plays_max),
            hated=none_hated(rows),
            outcomes=np.full((rows, 2), MISSED, np.uint8),
            weights=no_own_weights(rows),
        )

    def _no_tracks(self, rows: int) -> PerTrack:
        return PerTrack(
            transitions=no_rows(rows if self._sizes.followers[0] else 0, transitions.FOLLOWERS_MAX),
            companions=no_rows(rows if self._sizes.companions else 0, co_occurrence.COMPANIONS_MAX),
            popularity=no_popularity(rows),
            artist=np.full(rows, artists.NOBODY, np.int32),
        )

    def _no_artists(self, rows: int) -> artists.Artists:
        return artists.no_artists(rows if self._sizes.artists else 0)

    def _nothing_shared(self) -> Shared:
        return Shared(
            pairs=no_ngrams(0 if "sequence" in self.without else self.preset.pairs),
            triples=no_ngrams(0 if "sequence" in self.without else self.preset.triples),
            chart=empty_chart(),
            learnt=nothing_learnt(),
            plays=np.zeros(1, np.int64),
            clock_ms=np.zeros(1, np.int64),
        )

    def _no_scratch(self, tracks: int) -> Candidates:
        return no_candidates(tracks, TABLES, SITUATION)

    def _no_notes(self, groups: int) -> artists.ArtistNotes:
        return artists.no_notes(groups)

    def _blend(self) -> Blend:
        return Blend(
            self._listeners,
            self._tracks,
            self._artists,
            self._shared,
            self._scratch,
            self._notes,
            self._sizes,
        )

    def _learn_rows(self, rows: NDArray[np.void], ranks: NDArray[np.int32], evaluate: bool) -> None:
        learn_rows(self._blend(), rows, ranks, evaluate)

    def _clear_listener(self, code: int) -> None:
        clear_hated(self._listeners.hated, code)
        clear_context(self._listeners.contexts, code)
        clear_plays(self._listeners.plays, code)
        clear_own_weights(self._listeners.weights, code)
        self._listeners.outcomes[code] = MISSED

    def recommend_many(
        self, users: NDArray[np.int32], k: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.uint8]]:
        """See `Ranker.recommend_many`; a list is never longer than `SLOTS`."""
        items = np.full((len(users), k), -1, np.int32)
        scores = np.zeros((len(users), k), np.float64)
        reasons = np.zeros((len(users), k), np.uint8)
        some = (slice(None), slice(SLOTS))
        users = np.array(users, np.int32)
        lists = items[some], scores[some], reasons[some]
        answer(self._blend(), users, _NOTHING_ASKED, _NO_SCORES, *lists)
        return items, scores, reasons

    def scores(self, user: int, items: NDArray[np.int32]) -> NDArray[np.float64]:
        """See `Ranker.scores`."""
        scores = np.zeros((1, len(items)), np.float64)
        users = np.array([user], np.int32)
        for start in range(0, len(items), ASKED_MAX):
            some = slice(start, start + ASKED_MAX)
            asked = np.array(items[some], np.int32)
            answer(self._blend(), users, asked, scores[:, some], *_NO_LIST)
        return scores[0]


def _check(without: Sequence[str], blend_every: int) -> None:
    unknown = set(without) - WITHOUT.keys()
    if unknown:
        raise ModelError(
            f"There is no expert {', '.join(sorted(unknown))} to leave out.",
            f"Experts are: {', '.join(WITHOUT)}.",
        )
    if not 1 <= blend_every <= BLEND_EVERY_MAX:
        raise ModelError(
            f"blend_every is {blend_every}.", f"Choose it from 1 to {BLEND_EVERY_MAX}."
        )


BLEND_EVERY_MAX = 1_000
_NOTHING_ASKED, _NO_SCORES = np.zeros(0, np.int32), np.zeros((1, 0), np.float64)
_NO_LIST = (np.zeros((1, 0), np.int32), np.zeros((1, 0), np.float64), np.zeros((1, 0), np.uint8))
