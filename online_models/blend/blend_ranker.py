"""`BlendRanker`: candidate generation by experts, and ranking by weights learnt online."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.base import Candidates
from online_models.blend import entry_points, frozen
from online_models.blend.blend_config import BlendConfig, configured
from online_models.blend.candidates import features
from online_models.blend.candidates.candidate_set import SCORED_MAX, SLOTS_MAX
from online_models.blend.experts.artists import ARTIST
from online_models.blend.experts.cooccurrence import NEIGHBOURS
from online_models.blend.experts.neighbours import POSTINGS, SESSION, SESSIONS_MAX
from online_models.blend.experts.ngrams import GRAM, link_all
from online_models.blend.experts.popularity import TRACK
from online_models.blend.experts.transitions import FOLLOWERS
from online_models.blend.learned_weights import LEANING, LEARNED
from online_models.blend.listener.explicit_feedback import MARKED
from online_models.blend.listener.play_rings import BLOCK, BLOCK_PLAYS, RING
from online_models.blend.listener.session_contexts import CONTEXT
from online_models.blend.listener.situations import MOOD
from online_models.blend.records import KNOBS, SHARED, Blend, scratch_for
from online_models.column_ranker import ColumnRanker
from online_models.kernels.record_stores import FIXED, POOL, Store


class BlendRanker(ColumnRanker):
    """A two-stage recommender: experts generate candidates, and learned weights rank them.

    For a listener in a situation s (session context, results of the last lists, ...):

        weights(s) = start + sum over kinds of situation of vectors[s] + the listener's own offsets
        score(track) = weights(s) · features(track) + sum over bucket tables of cells[traits(track)]
        P(track is next) = softmax of the scores over the selected candidates

    After a play, one AdaGrad step on ln P(played track) updates the weights and the cells, and
    every expert updates its counts. The result does not depend on how events are batched.

    Parameters: `preset`, a name in `PRESETS`; `changes`, fields of `BlendConfig` to override.

    Sources: docs/decisions/0007, 0008 and 0010; AdaGrad: Duchi, Hazan & Singer 2011; each expert's
    own source is in its module.

    >>> model = BlendRanker()
    >>> for item in ["so what", "freddie freeloader", "blue in green"] * 2:
    ...     model.learn_one("miles", item)
    >>> model.recommend("miles", k=1)[0].item
    'so what'
    """

    fold_version = 5
    model_name = "blend"
    reasons = features.REASONS

    def __init__(self, preset: str = "best", **changes: Any) -> None:
        self.preset = preset
        self.changes = changes
        self.config: BlendConfig = configured(preset, changes)
        self._knobs = knobs_of(self.config)
        self._linked: dict[str, tuple[NDArray[Any], NDArray[np.int32]]] = {}
        super().__init__()

    def _get_params(self) -> dict[str, Any]:
        return {"preset": self.preset, **self.changes}

    def identity(self) -> list[Any]:
        """See `Ranker.identity`."""
        return [*super().identity(), asdict(self.config)]

    # -- stores ------------------------------------------------------------------------------

    def _store_layouts(self) -> dict[str, Store]:
        knobs = self._knobs[0]
        return {
            "contexts": Store(CONTEXT, "listeners"),
            "rings": _store_if(knobs["ring"], Store(RING, "listeners")),
            "hated": Store(MARKED, "listeners"),
            "loved": Store(MARKED, "listeners"),
            "dismissed": Store(MARKED, "listeners"),
            "moods": Store(MOOD, "listeners"),
            "leanings": _store_if(knobs["leanings"], Store(LEANING, "listeners")),
            "tracks": Store(TRACK, "tracks"),
            "transitions": _store_if(knobs["steps"], Store(FOLLOWERS, "tracks")),
            "cooccurrence": _store_if(knobs["window"], Store(NEIGHBOURS, "tracks")),
            "postings": _store_if(knobs["near"], Store(POSTINGS, "tracks")),
            "artists": _store_if(knobs["artists"], Store(ARTIST, "artists")),
            "blocks": Store(BLOCK, POOL),
            "bigrams": Store(GRAM, FIXED, int(knobs["bigrams"])),
            "trigrams": Store(GRAM, FIXED, int(knobs["trigrams"])),
            "sessions": Store(SESSION, FIXED, SESSIONS_MAX if knobs["near"] else 0),
            "learned": Store(LEARNED, FIXED, 1),
            "shared": Store(SHARED, FIXED, 1),
        }

    def _rows_in_use(self, name: str) -> int:
        shared, store = self._stores["shared"][0], self._layout[name]
        if name == "blocks":
            return int(shared["given"]["blocks"])
        if name in ("bigrams", "trigrams"):
            return int(shared[name]["used"])
        if name == "sessions" and store.rows:
            return int(shared["sessions"]["begun"]) + 1
        return store.rows

    def _make_scratch(self) -> None:
        stores = self._stores
        sizes = (len(stores["tracks"]), len(stores["artists"]), len(stores["sessions"]))
        self._scratch = scratch_for(*sizes)
        for name in ("bigrams", "trigrams"):
            grams = stores[name]
            if self._linked.get(name, (None,))[0] is not grams:
                self._linked[name] = (
                    grams,
                    self._heads_of(grams[: self._rows_in_use(name)], len(grams)),
                )
            self._scratch[f"{name[:-1]}_heads"] = self._linked[name][1]

    def _heads_of(self, used: NDArray[Any], room: int) -> NDArray[np.int32]:
        heads = np.zeros(room, np.int32)
        if len(used):
            link_all(used, heads)
        return heads

    def _blend(self) -> Blend:
        return Blend(**self._stores, **self._scratch, knobs=self._knobs)

    # -- learning ----------------------------------------------------------------------------

    def _learn_rows(self, rows: NDArray[Any], ranks: NDArray[np.int32], evaluate: bool) -> None:
        entry_points.learn_rows(self._blend(), rows, ranks, evaluate)

    def _follow_rows(self, rows: NDArray[Any], places: NDArray[np.int32]) -> None:
        frozen.follow_rows(self._blend(), rows, places)

    def _introduce_rows(self, rows: NDArray[Any]) -> None:
        entry_points.introduce_rows(self._blend(), rows)

    def _clear_listener(self, code: int) -> None:
        entry_points.clear_listener(self._blend(), code)

    # -- queries -----------------------------------------------------------------------------

    def groups_of(self, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """See `Ranker.groups_of`."""
        return np.asarray(self._stores["tracks"]["artist"][items] - 1, np.int32)

    def plays_of(self, user: int) -> NDArray[np.int32]:
        """See `Ranker.plays_of`."""
        return np.asarray(self._of_ring(user, "tracks"), np.int32)

    def times_of(self, user: int) -> NDArray[np.int64]:
        """See `Ranker.times_of`."""
        return np.asarray(self._of_ring(user, "at_s"), np.int64)

    def _of_ring(self, user: int, column: str) -> NDArray[Any]:
        """A column of the listener's plays, oldest first."""
        size = self.config.ring
        if not 0 <= user < len(self._stores["rings"]):
            return np.zeros(0, np.int64)
        ring = self._stores["rings"][user]
        at = (ring["start"] + np.arange(ring["held"])) % max(size, 1)
        blocks = ring["blocks"][at // BLOCK_PLAYS] - 1
        column_of_blocks: NDArray[Any] = self._stores["blocks"][column][blocks, at % BLOCK_PLAYS]
        return column_of_blocks

    def items_of(self, group: int) -> NDArray[np.int32]:
        """See `Ranker.items_of`."""
        if not 0 <= group < len(self._stores["artists"]):
            return np.zeros(0, np.int32)
        chart = self._stores["artists"][group]["chart"]
        return np.array(chart["tracks"][: chart["held"]], np.int32)

    def recommend_many(
        self, users: NDArray[np.int32], k: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.uint8]]:
        """See `Ranker.recommend_many`."""
        items = np.full((len(users), k), -1, np.int32)
        scores = np.zeros((len(users), k), np.float64)
        reasons = np.zeros((len(users), k), np.uint8)
        entry_points.recommend_rows(
            self._blend(), np.array(users, np.int64), items, scores, reasons
        )
        return items, scores, reasons

    def candidates_after(
        self, user: int, plays: NDArray[np.int32], also: NDArray[np.int32]
    ) -> Candidates:
        """See `Ranker.candidates_after`; `plays` come after what the listener is playing now."""
        room = SLOTS_MAX
        columns = Candidates(
            np.zeros(room, np.int32),
            np.zeros(room, np.float64),
            np.zeros(room, np.uint8),
            np.zeros(room, np.bool_),
        )
        survived, held = entry_points.rank_after(
            self._blend(), int(user), self._with_rows(plays), self._with_rows(also), *columns
        )
        is_cut = np.arange(held) >= survived
        order = np.lexsort((columns.items[:held], -columns.scores[:held], is_cut))
        return columns.rows(order)

    def _with_rows(self, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """Those of `items` that have a row in use: compiled code checks no bounds."""
        items = np.array(items, np.int32)
        return items[(items >= 0) & (items < self._codes["tracks"])]

    def scores(self, user: int, items: NDArray[np.int32]) -> NDArray[np.float64]:
        """See `Ranker.scores`."""
        scores, asked = np.zeros(len(items), np.float64), np.array(items, np.int32)
        for at in range(0, len(asked), SCORED_MAX):
            some = slice(at, at + SCORED_MAX)
            entry_points.score_items(self._blend(), user, asked[some], scores[some])
        return scores


def _store_if(is_used: Any, store: Store) -> Store:
    return store if is_used else Store(store.record, FIXED)


def knobs_of(config: BlendConfig) -> NDArray[Any]:
    """A configuration as compiled code reads it: one record of dtype `KNOBS`, shape [1]."""
    has = config.has
    values = {
        "steps": config.steps * has("transitions"),
        "bigrams": config.grams * has("bigrams"),
        "trigrams": config.grams * has("trigrams"),
        "ring": config.ring,
        "own": config.own * has("own"),
        "window": config.window * has("cooccurrence"),
        "wide": config.wide * has("cooccurrence"),
        "older": config.older * has("cooccurrence"),
        "company": config.company * has("cooccurrence"),
        "near": config.near * has("neighbours"),
        "artists": has("artists"),
        "leanings": has("leanings"),
        "survivors": config.survivors,
        "tables": config.tables * has("tables"),
        "blend_every": config.blend_every,
        "skipped_s": config.skipped_s,
        "rate": config.rate,
        "cell_rate": config.cell_rate,
    }
    knobs = np.zeros(1, KNOBS)
    for name, value in values.items():
        knobs[name] = value
    for feature, weight in config.start:
        knobs["start"][0, feature] = weight
    return knobs
