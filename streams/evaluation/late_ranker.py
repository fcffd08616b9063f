"""A model that learns only from a log offset on, in a comparison that begins before that."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.base import NOT_PROPOSED, Columns, Ranker
from online_models.evaluation.contest import Contest

_OWN = frozenset({"_ranker", "begins_at", "listens_before"})


class LateRanker:
    """Stands for `ranker` in a contest: until it is awake, it proposes nothing and learns nothing.

    Everything else is the ranker's own, so that it shares the contest's vocabularies.
    """

    def __init__(self, ranker: Ranker, begins_at: int) -> None:
        self._ranker = ranker
        self.begins_at = begins_at
        """The first log offset whose events it learns."""
        self.listens_before: int | None = None
        """Number of plays that the contest had met when it awoke; None if it is not awake yet."""

    @property
    def is_awake(self) -> bool:
        """Whether it learns."""
        return self.listens_before is not None

    def place_many(self, columns: Columns, *, is_frozen: bool = False) -> NDArray[np.int32]:
        """Like `Ranker.place_many`."""
        if not self.is_awake:
            return np.full(len(columns.users), NOT_PROPOSED, np.int32)
        return self._ranker.place_many(columns, is_frozen=is_frozen)

    def recommend_many(self, users: NDArray[np.int32], k: int) -> Any:
        """Like `Ranker.recommend_many`; no item if it has learnt nothing yet."""
        if not self.is_awake:
            nothing = np.full((len(users), k), -1, np.int32)
            return nothing, np.zeros((len(users), k)), np.zeros((len(users), k), np.uint8)
        return self._ranker.recommend_many(users, k)

    def forget(self, user_code: int) -> None:
        """Like `Ranker.forget`."""
        if self.is_awake:
            self._ranker.forget(user_code)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ranker, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN:
            super().__setattr__(name, value)
        else:
            setattr(self._ranker, name, value)


def late_listens(ranker: Ranker, all_listens: int) -> int:
    """Number of plays of a contest that `ranker` did not take part in."""
    if not isinstance(ranker, LateRanker):
        return 0
    return all_listens if ranker.listens_before is None else ranker.listens_before


def wake(contest: Contest, next_offset: int) -> None:
    """Wakes the models that learn from log offset `next_offset` on, or have before."""
    for each in contest.contestants:
        late = each.ranker
        if isinstance(late, LateRanker) and not late.is_awake and next_offset >= late.begins_at:
            late.listens_before = len(contest.met()[0])


def wakes_at(contest: Contest) -> set[int]:
    """Log offsets at which a model awakes."""
    rankers = [each.ranker for each in contest.contestants]
    return {each.begins_at for each in rankers if isinstance(each, LateRanker)}
