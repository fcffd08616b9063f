"""A ranker that blends all experts by weights that it learns from every play."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models import blending, bucket_tables, features, situations
from online_models.artists import no_artists, nothing_heard
from online_models.blend_config import PRESETS
from online_models.blending import (
    Blend,
    Heads,
    Knobs,
    PerListener,
    PerTrack,
    Scratch,
    Shared,
)
from online_models.candidates import SLOTS_MAX, no_candidates
from online_models.column_ranker import ColumnRanker
from online_models.contexts import clear_context, no_contexts
from online_models.cooccurrence import NEIGHBOURS_MAX
from online_models.cooccurrence import ROOM as WIDE_ROOM
from online_models.errors import ModelError
from online_models.hated import clear_hated, none_hated
from online_models.learned_weights import clear_leanings, first_weights, no_leanings
from online_models.neighbours import ROOM as NEAR_ROOM
from online_models.neighbours import (
    SESSIONS_MAX,
    SESSIONS_ROOM,
    forget_sessions,
    no_postings,
    no_sessions,
)
from online_models.ngrams import link_all, no_grams, no_index
from online_models.plays import clear_plays, no_blocks, no_plays, no_recent
from online_models.popularity import empty_chart, no_popularity
from online_models.rows import no_rows
from online_models.scores_by_id import no_sums
from online_models.situations import clear_outcomes, no_outcomes
from online_models.stores import room as room_of
from online_models.transitions import FOLLOWERS_MAX

START = np.zeros(features.FEATURES)
for _feature, _weight in (
    (features.T1, 0.6),
    (features.T2, 0.3),
    (features.T3, 0.15),
    (features.OWN_NEXT, 0.5),
    (features.BIGRAM, 0.6),
    (features.COUNT, 0.3),
    (features.RECENCY, 0.2),
    (features.POPULAR, 0.1),
    (features.WIDE, 0.4),
    (features.SAME_ARTIST, 0.3),
    (features.ARTIST_NEXT, 0.2),
):
    START[_feature] = _weight


class BlendRanker(ColumnRanker):
    """Experts propose and describe candidates; learned weights rank them.

    `preset` names the configuration in `PRESETS` that `changes` change.

    >>> model = BlendRanker()
    >>> for item in ["so what", "freddie freeloader", "blue in green"] * 2:
    ...     model.learn_one("miles", item)
    >>> model.recommend("miles", k=1)[0].item
    'so what'
    """

    fold_version = 1
    model_name = "blend"
    reasons = features.REASONS
    store_names = ("listeners", "tracks", "artists", "blocks", "bigrams", "trigrams")

    def __init__(self, preset: str = "best", **changes: Any) -> None:
        if preset not in PRESETS:
            raise ModelError(f"There is no preset {preset!r}.", f"Presets: {', '.join(PRESETS)}.")
        self.preset = preset
        self.changes = changes
        if "without" in changes:
            changes = {**changes, "without": tuple(changes["without"])}
        self.config = replace(PRESETS[preset], **changes)
        self._heads = Heads(no_index(self._grams("bigrams")), no_index(self._grams("trigrams")))
        super().__init__()

    def _get_params(self) -> dict[str, Any]:
        return {"preset": self.preset, **self.changes}

    def identity(self) -> list[Any]:
        """See `Ranker.identity`."""
        return [*super().identity(), asdict(self.config)]

    def _grams(self, expert: str) -> int:
        return self.config.grams if self.config.has(expert) else 0

    def _knobs(self) -> Knobs:
        config, has = self.config, self.config.has
        return Knobs(
            steps=config.steps * has("transitions"),
            bigrams=self._grams("bigrams"),
            trigrams=self._grams("trigrams"),
            own=config.own * has("own"),
            window=config.window * has("cooccurrence"),
            wide=config.wide * has("cooccurrence"),
            near=config.near * has("neighbours"),
            artists=int(has("artists")),
            survivors=config.survivors,
            tables=config.tables * has("tables"),
            blend_every=config.blend_every,
            rate=config.rate,
            cell_rate=config.cell_rate,
        )

    # -- stores ------------------------------------------------------------------------------

    def _empty(self, name: str, rows: int) -> Any:
        if name in ("bigrams", "trigrams"):
            return no_grams(self._grams(name))
        makers = {
            "listeners": self._no_listeners,
            "tracks": self._no_tracks,
            "artists": lambda rows: no_artists(rows if self.config.has("artists") else 0),
            "blocks": no_blocks,
        }
        return makers[name](rows)

    def _no_listeners(self, rows: int) -> PerListener:
        has = self.config.has
        return PerListener(
            contexts=no_contexts(rows),
            plays=no_plays(rows, self.config.ring),
            hated=none_hated(rows),
            outcomes=no_outcomes(rows),
            leanings=no_leanings(rows if has("leanings") else 0),
            session=np.zeros(rows if has("neighbours") else 0, np.int32),
        )

    def _no_tracks(self, rows: int) -> PerTrack:
        has = self.config.has
        return PerTrack(
            transitions=no_rows(rows if has("transitions") else 0, FOLLOWERS_MAX),
            cooccurrence=no_rows(rows if has("cooccurrence") else 0, NEIGHBOURS_MAX),
            postings=no_postings(rows if has("neighbours") else 0),
            popularity=no_popularity(rows),
            artist=np.zeros(rows if has("artists") else 0, np.int32),
        )

    def _nothing_shared(self) -> Shared:
        return Shared(
            chart=empty_chart(),
            sessions=no_sessions(SESSIONS_MAX if self.config.has("neighbours") else 0),
            learned=first_weights(START),
            clock_ms=np.zeros(1, np.int64),
            given=np.zeros(2, np.int64),
            bigrams_used=np.zeros(2, np.int64),
            trigrams_used=np.zeros(2, np.int64),
            plays=np.zeros(1, np.int64),
        )

    def _live(self, name: str) -> int:
        if name == "blocks":
            return int(self._shared.given[1])
        return int(getattr(self._shared, f"{name}_used")[0])

    def _needed(self, name: str, rows: int) -> int:
        return 0 if name in ("bigrams", "trigrams") else super()._needed(name, rows)

    def _no_scratch(self) -> Scratch:
        tracks, artists = room_of(self._stores["tracks"]), room_of(self._stores["artists"])
        return Scratch(
            candidates=no_candidates(tracks),
            recent=no_recent(),
            wide=no_sums(tracks, WIDE_ROOM),
            near=no_sums(tracks, NEAR_ROOM),
            likes=no_sums(SESSIONS_MAX if self.config.has("neighbours") else 0, SESSIONS_ROOM),
            heard=nothing_heard(artists),
            facts=np.zeros(situations.FACTS, np.int64),
            vectors=np.zeros(situations.SITUATIONS, np.int64),
            weights=np.zeros(features.FEATURES),
            gradient=np.zeros(features.FEATURES),
            survivors=np.zeros(SLOTS_MAX, np.int32),
            shares=np.zeros(SLOTS_MAX),
            order=np.zeros(SLOTS_MAX, np.int32),
            cells=np.zeros((SLOTS_MAX, bucket_tables.TABLES), np.int32),
        )

    def _loaded(self) -> None:
        for name, heads in zip(("bigrams", "trigrams"), self._heads, strict=True):
            link_all(self._stores[name], heads, self._live(name))

    def _blend(self) -> Blend:
        return Blend(
            **self._stores,
            heads=self._heads,
            shared=self._shared,
            scratch=self._scratch,
            knobs=self._knobs(),
        )

    # -- learning ----------------------------------------------------------------------------

    def _learn_rows(self, rows: NDArray[np.void], ranks: NDArray[np.int32], evaluate: bool) -> None:
        blending.learn_rows(self._blend(), rows, ranks, evaluate)

    def _clear_listener(self, code: int) -> None:
        listeners = self._stores["listeners"]
        clear_hated(listeners.hated, code)
        clear_context(listeners.contexts, code)
        clear_outcomes(listeners.outcomes, code)
        clear_plays(listeners.plays, self._stores["blocks"], self._shared.given, code)
        if self.config.has("leanings"):
            clear_leanings(listeners.leanings, code)
        if self.config.has("neighbours"):
            forget_sessions(self._shared.sessions, listeners.session, code)

    # -- queries -----------------------------------------------------------------------------

    def recommend_many(
        self, users: NDArray[np.int32], k: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.uint8]]:
        """See `Ranker.recommend_many`."""
        items = np.full((len(users), k), -1, np.int32)
        scores = np.zeros((len(users), k), np.float64)
        reasons = np.zeros((len(users), k), np.uint8)
        blending.recommend_rows(self._blend(), np.array(users, np.int32), items, scores, reasons)
        return items, scores, reasons

    def scores(self, user: int, items: NDArray[np.int32]) -> NDArray[np.float64]:
        """See `Ranker.scores`."""
        scores = np.zeros(len(items), np.float64)
        blending.score_items(self._blend(), user, np.array(items, np.int32), scores)
        return scores
