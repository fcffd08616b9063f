"""`Prequential`: hit rate and mean reciprocal rank, measured while the model learns.

Prequential (test-then-learn) evaluation: the list for a listener is made just before their play is
learnt, and the play is a hit if its track is in the list.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from online_models.base import EVALUATED_K, Signal
from online_models.evaluation.drift_watch import DriftWatch
from online_models.kernels.compiled import njit_cached
from online_models.kernels.record_stores import capacity

_LISTEN = int(Signal.LISTEN)
_MISS, _HIT = 1, 2


class Prequential:
    """Hit rate and mean reciprocal rank at `k` of listeners with `min_history` earlier plays.

    HR@k = hits / scored; MRR@k = (sum of 1 / (rank + 1) over hits) / scored. All counts are whole
    numbers, so that the same plays in any batches give the same state.

    Parameters: `k`, the length of the list, from 1 to `EVALUATED_K`; `min_history`, the number of
    plays that a listener must have before a play of theirs is scored.

    >>> quality = Prequential(k=20, min_history=1)
    >>> quality.update(np.array([0, 0, 0]), np.array([-1, 1, -1]), np.zeros(3))
    >>> quality.events, quality.scored, quality.hits, quality.hit_rate, quality.mrr
    (3, 2, 1, 0.5, 0.25)
    """

    def __init__(self, k: int = EVALUATED_K, min_history: int = 5) -> None:
        if not 1 <= k <= EVALUATED_K:
            raise ValueError(f"k is {k}; ranks are known from 1 to {EVALUATED_K}")
        self.k = k
        self.min_history = min_history
        self.plays = np.zeros(0, np.int32)
        """int32[listeners]: number of LISTENs so far."""
        self.ranks = np.zeros(k, np.int64)
        """int64[k]: how often the played track had this rank."""
        self.drift = DriftWatch()
        """The detector of a falling hit rate."""
        self._counts = np.zeros(2, np.int64)  # events, scored
        self._listeners = 0

    def update(
        self,
        users: NDArray[np.int32],
        ranks: NDArray[np.int32],
        signals: NDArray[np.uint8],
        at: NDArray[np.int64] | None = None,
    ) -> None:
        """Counts events that were learnt; columns of [n], `ranks` as `learn_many` returns them.

        `at`: the position of each event, for example its log offset, which drift alarms contain;
        without it their position is -1.
        """
        if not len(users):
            return
        self._listeners = max(self._listeners, int(users.max()) + 1)
        if self._listeners > len(self.plays):
            larger = np.zeros(capacity(self._listeners), np.int32)
            larger[: len(self.plays)] = self.plays
            self.plays = larger
        columns = (
            np.array(users, np.int32),
            np.array(ranks, np.int32),
            np.array(signals, np.uint8),
        )
        verdicts = np.zeros(len(users), np.uint8)
        _count(*columns, self.min_history, self.plays, self.ranks, self._counts, verdicts)
        scored = verdicts > 0
        places = np.full(len(users), -1, np.int64) if at is None else at
        self.drift.update(verdicts[scored] == _HIT, places[scored])

    @property
    def events(self) -> int:
        """Number of LISTENs."""
        return int(self._counts[0])

    @property
    def scored(self) -> int:
        """Number of LISTENs of listeners with at least `min_history` earlier ones."""
        return int(self._counts[1])

    @property
    def hits(self) -> int:
        """Number of scored LISTENs whose track was in the list."""
        return int(self.ranks.sum())

    @property
    def hit_rate(self) -> float:
        """HR@k: hits / scored; 0 if no play was scored."""
        return self.hits / max(self.scored, 1)

    @property
    def mrr(self) -> float:
        """MRR@k: the mean of 1 / (rank + 1), which counts as 0 for a miss."""
        reciprocals = sum(n / (rank + 1) for rank, n in enumerate(self.ranks.tolist()))
        return float(reciprocals / max(self.scored, 1))

    def summary(self) -> dict[str, float]:
        """The measures by their usual names."""
        return {
            "events": self.events,
            "scored": self.scored,
            "hits": self.hits,
            f"hr@{self.k}": self.hit_rate,
            f"mrr@{self.k}": self.mrr,
        }

    def state(self) -> dict[str, NDArray[Any]]:
        """Arrays for `load`."""
        return {
            "plays": self.plays[: self._listeners].copy(),
            "ranks": self.ranks.copy(),
            "counts": self._counts.copy(),
            **self.drift.state(),
        }

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Replaces the state by a `state()` of equal `k` and `min_history`."""
        self.plays = state["plays"].copy()
        self.ranks = state["ranks"].copy()
        self._counts = state["counts"].copy()
        self.drift.load(state)
        self._listeners = len(self.plays)

    def digest(self) -> str:
        """A hash of the state, 32 hex digits: equal exactly if states are equal."""
        digest = xxhash.xxh3_128(f"{self.k} {self.min_history}".encode())
        for array in self.state().values():
            digest.update(array.tobytes())
        return digest.hexdigest()


@njit_cached
def _count(
    users: NDArray[np.int32],
    ranks: NDArray[np.int32],
    signals: NDArray[np.uint8],
    min_history: int,
    plays: NDArray[np.int32],
    histogram: NDArray[np.int64],
    counts: NDArray[np.int64],
    verdicts: NDArray[np.uint8],
) -> None:
    for row in range(len(users)):
        if signals[row] != _LISTEN or users[row] < 0:
            continue
        counts[0] += 1
        if plays[users[row]] >= min_history:
            counts[1] += 1
            verdicts[row] = _MISS
            if 0 <= ranks[row] < len(histogram):
                histogram[ranks[row]] += 1
                verdicts[row] = _HIT
        plays[users[row]] += 1
