"""A cheap model: it counts plays, and keeps each listener's last track."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import orjson
import xxhash
from numpy.typing import NDArray

from online_models.base import Columns, Ranker

NOBODY = -1


class CountingRanker(Ranker):
    """Ranks by plays, with the listener's last track on top, in plain Python."""

    fold_version: ClassVar[int] = 1
    model_name: ClassVar[str] = "counting"
    reasons: ClassVar[tuple[str, ...]] = ("played last", "played often")

    def __init__(self) -> None:
        super().__init__()
        self._plays: list[int] = []
        self._last: dict[int, int] = {}

    def learn_many(self, columns: Columns, *, evaluate: bool = True) -> NDArray[np.int32]:
        """See `Ranker`."""
        ranks = []
        for user, item in zip(columns.users.tolist(), columns.items.tolist(), strict=True):
            ranked = self._ranked(user)[:20]
            ranks.append(ranked.index(item) if item in ranked else -1)
            if item >= 0:
                self._plays.extend([0] * (item + 1 - len(self._plays)))
                self._plays[item] += 1
                self._last[user] = item
        return np.array(ranks, np.int32)

    def _ranked(self, user: int) -> list[int]:
        last = self._last.get(user, NOBODY)
        plays = self._plays
        return sorted(range(len(plays)), key=lambda item: (item != last, -plays[item], item))

    def recommend_many(
        self, users: NDArray[np.int32], k: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.uint8]]:
        """See `Ranker`."""
        items = np.full((len(users), k), -1, np.int32)
        scores = np.zeros((len(users), k))
        reasons = np.ones((len(users), k), np.uint8)
        for row, user in enumerate(users.tolist()):
            ranked = self._ranked(user)[:k]
            items[row, : len(ranked)] = ranked
            scores[row, : len(ranked)] = [self._plays[item] for item in ranked]
            if ranked and self._last.get(user) == ranked[0]:
                reasons[row, 0] = 0
        return items, scores, reasons

    def forget(self, user_code: int) -> None:
        """See `Ranker`."""
        self._last.pop(user_code, None)

    def digest(self) -> str:
        """See `Ranker`."""
        plays = [self._plays, sorted(self._last.items())]
        chains = [each.digest().hex() for each in (self.users, self.items, self.groups)]
        return xxhash.xxh3_128_hexdigest(orjson.dumps([plays, chains]))

    def state(self) -> dict[str, NDArray[Any]]:
        """See `Ranker`."""
        arrays = {
            "plays": np.array(self._plays, np.int64),
            "last": np.array(sorted(self._last.items()), np.int64).reshape(-1, 2),
        }
        for name, vocabulary in self._vocabularies():
            arrays |= {f"{name}/{key}": array for key, array in vocabulary.state().items()}
        return arrays

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """See `Ranker`."""
        self._plays = state["plays"].tolist()
        self._last = dict(state["last"].tolist())
        for name, vocabulary in self._vocabularies():
            prefix = f"{name}/"
            vocabulary.load(
                {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
            )

    def _vocabularies(self) -> list[tuple[str, Any]]:
        return [("users", self.users), ("items", self.items), ("groups", self.groups)]

    def place_many(self, columns: Columns, *, is_frozen: bool = False) -> NDArray[np.int32]:
        """This model is not evaluated."""
        raise NotImplementedError

    def scores(self, user: int, items: NDArray[np.int32]) -> NDArray[np.float64]:
        """No caller needs single scores."""
        raise NotImplementedError

    def next_at_ms(self) -> int:
        """Every event has a time."""
        raise NotImplementedError
