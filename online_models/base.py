"""What every model can do: River's face for single events, and a face for columns of them."""

import abc
import json
import numbers
from collections.abc import Hashable, Iterable, Mapping
from enum import IntEnum
from typing import Any, ClassVar, NamedTuple

import numpy as np
import river.reco.base
from numpy.typing import NDArray

from online_models.errors import ModelError
from online_models.vocabulary import Vocabulary

EVALUATED_K = 20
"""Length of the list in which the played track is looked for before it is learnt."""
AT_MS_MAX = 2**32 * 1000 - 1
"""Times are kept in seconds of 32 bits; beyond (the year 2106), or before 1970, is no time."""
NOT_LISTED, NOT_PROPOSED = -1, -2
"""In place of a rank: not in the list, or not even among the candidates for it."""
STEP_MS = 1000
"""How much later than the event before it an event without a time is."""


class Signal(IntEnum):
    """What an event says, in the model's words."""

    LISTEN = 0
    NOW_PLAYING = 1
    LOVE = 2
    HATE = 3
    CLEAR = 4
    RETRACT = 5


class Recommendation(NamedTuple):
    """A recommended item, its score, and the expert that carried it most."""

    item: Hashable
    score: float
    reason: str


class Columns(NamedTuple):
    """n events in columns: arrays of shape [n], a row for each event, in the order of learning.

    `len(columns.users)` is n; `len(columns)` is the number of columns.
    """

    users: NDArray[np.int32]
    """int32[n]: codes of `Ranker.users`."""
    items: NDArray[np.int32]
    """int32[n]: codes of `Ranker.items`."""
    groups: NDArray[np.int32]
    """int32[n]: codes of `Ranker.groups` (the items' artists); -1 if unknown."""
    y: NDArray[np.float32]
    """float32[n]: rewards in [-1, 1]; NaN if unknown."""
    at_ms: NDArray[np.int64]
    """int64[n]: event times in ms since 1970."""
    signals: NDArray[np.uint8]
    """uint8[n]: values of `Signal`."""

    def rows(self, which: slice) -> "Columns":
        """The events at the positions `which`, as views of the same memory."""
        return Columns(
            self.users[which],
            self.items[which],
            self.groups[which],
            self.y[which],
            self.at_ms[which],
            self.signals[which],
        )


Context = Mapping[str, Any]
"""River's `x`: may hold "at" (ms since 1970), "group" (the artist) and "signal" (`Signal`)."""


class Ranker(river.reco.base.Ranker, abc.ABC):
    """A model of who listens to what next; see the contract tests for all that it promises.

    Ids are any hashables on River's face and codes of `users`, `items` and `groups` on the
    stream's. A query never changes the state. What is no number, no time or no signal is ignored.
    """

    fold_version: ClassVar[int]
    """Raised whenever the same events give another state."""
    model_name: ClassVar[str]
    """Name in the registry."""
    reasons: ClassVar[tuple[str, ...]]
    """Names of the reason codes that `recommend_many` returns."""

    def __init__(self) -> None:
        super().__init__(seed=0)
        self.users = Vocabulary()
        self.items = Vocabulary()
        self.groups = Vocabulary()

    @property
    def is_contextual(self) -> bool:
        """True: `x` is read."""
        return True

    # -- the stream's face -------------------------------------------------------------------

    @abc.abstractmethod
    def learn_many(self, columns: Columns, *, evaluate: bool = True) -> NDArray[np.int32]:
        """Evaluates, then learns each of the n rows in turn.

        Returns int32[n]: the 0-based rank of the item in the list of `EVALUATED_K` that the user
        would have got just before, or -1 (not in it, no LISTEN, or not `evaluate`).
        """

    @abc.abstractmethod
    def place_many(self, columns: Columns, *, is_frozen: bool = False) -> NDArray[np.int32]:
        """As `learn_many`, for evaluation: tells what was not even proposed, and can be frozen.

        A frozen model follows the user (what they played, where they are) and learns nothing.

        Returns int32[n]: the 0-based rank, `NOT_LISTED` (also of what is no LISTEN), or
        `NOT_PROPOSED`.
        """

    def introduce(self, items: NDArray[np.int32], groups: NDArray[np.int32]) -> None:
        """Tells of items that nobody met yet and of their groups, codes of [n].

        A model that knows no item by its group ignores it, as this one does.
        """

    def groups_of(self, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """The group of each of `items`, -1 where it is not known, or no matter to the model."""
        return np.full(len(items), -1, np.int32)

    def plays_of(self, user: int) -> NDArray[np.int32]:
        """What the model remembers that `user` (code) played, oldest first; none by default."""
        return np.zeros(0, np.int32)

    @abc.abstractmethod
    def recommend_many(
        self, users: NDArray[np.int32], k: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.uint8]]:
        """Lists of at most `k` items for each of `users` (codes, -1: unknown user).

        Returns codes int32[m, k], best first and padded with -1; scores float64[m, k]; reason
        codes uint8[m, k].
        """

    @abc.abstractmethod
    def scores(self, user: int, items: NDArray[np.int32]) -> NDArray[np.float64]:
        """How much `user` (code) would like each of `items` (codes, -1: unknown) next."""

    @abc.abstractmethod
    def next_at_ms(self) -> int:
        """Time of an event that comes without one: a second after the event before it."""

    @abc.abstractmethod
    def forget(self, user_code: int) -> None:
        """Erases what is kept of one user; what was counted for all users together stays."""

    @abc.abstractmethod
    def digest(self) -> str:
        """32 hex digits, equal exactly for equal states, in any process."""

    @abc.abstractmethod
    def state(self) -> dict[str, NDArray[Any]]:
        """The whole state as arrays trimmed to what is in use."""

    @abc.abstractmethod
    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Takes over a `state()`; raises `ModelError` if it is another model's."""

    def identity(self) -> list[Any]:
        """What a state belongs to, as JSON values: a state of another identity is not taken."""
        return [self.model_name, self.fold_version]

    def _identity_written(self) -> NDArray[np.uint8]:
        return np.frombuffer(json.dumps(self.identity(), sort_keys=True).encode(), np.uint8)

    def _check_is_mine(self, state: Mapping[str, NDArray[Any]]) -> None:
        mine = self._identity_written().tobytes()
        its = state["identity"].tobytes() if "identity" in state else b"nothing known"
        if its != mine:
            raise ModelError(
                f"The state belongs to {its.decode()}, the model is {mine.decode()}.",
                "Replay the log, or start the model that the state belongs to.",
            )

    # -- River's face ------------------------------------------------------------------------

    def learn_one(
        self, user: Hashable, item: Hashable, y: Any = True, x: Context | None = None
    ) -> None:
        """Learns that `user` met `item` with reward `y` (True, False, or a number in [-1, 1])."""
        x = x or {}
        reward, signal = _reward(y), _signal(x.get("signal", Signal.LISTEN))
        if reward is None or signal is None or not (_is_id(user) and _is_id(item)):
            return
        group, at_ms = x.get("group"), _time_ms(x.get("at"))
        group = group if _is_id(group) else None
        row = Columns(
            np.array([self.users.encode(user)], np.int32),
            np.array([self.items.encode(item)], np.int32),
            np.array([-1 if group is None else self.groups.encode(group)], np.int32),
            np.array([reward], np.float32),
            np.array([self.next_at_ms() if at_ms is None else at_ms], np.int64),
            np.array([signal], np.uint8),
        )
        self.learn_many(row, evaluate=False)

    def predict_one(self, user: Hashable, item: Hashable, x: Context | None = None) -> float:
        """How much `user` would like `item` next; 0 for an item that is unknown."""
        return float(self.scores(self.users.code(user), self._known([item]))[0])

    def rank(
        self, user: Hashable, items: Iterable[Hashable], x: Context | None = None
    ) -> list[Hashable]:
        """`items`, best first; equals in the order of their codes, unknown ones by their text."""
        listed = list(items)
        codes = self._known(listed)
        scores = self.scores(self.users.code(user), codes)
        keys = [
            (-score, code < 0, code, str(item) if code < 0 else "")
            for score, code, item in zip(scores.tolist(), codes.tolist(), listed, strict=True)
        ]
        return [listed[at] for at in sorted(range(len(listed)), key=keys.__getitem__)]

    def recommend(
        self, user: Hashable, k: int = EVALUATED_K, x: Context | None = None
    ) -> list[Recommendation]:
        """At most `k` items of the whole catalogue; an unknown user gets what is popular now."""
        codes, scores, reasons = self.recommend_many(
            np.array([self.users.code(user)], np.int32), max(k, 0)
        )
        return [
            Recommendation(self.items.value(code), score, self.reasons[reason])
            for code, score, reason in zip(
                codes[0].tolist(), scores[0].tolist(), reasons[0].tolist(), strict=True
            )
            if code >= 0
        ]

    def _known(self, items: list[Hashable]) -> NDArray[np.int32]:
        return np.array([self.items.code(item) for item in items], np.int32)


def _is_id(value: Hashable) -> bool:
    """Whether `value` can be found again: NaN, which is not itself, cannot."""
    return bool(value == value)


def _reward(y: Any) -> float | None:
    """`y` as a number, NaN where it says nothing, None where it is no reward."""
    if y is None:
        return float("nan")
    try:
        return float(y)
    except (TypeError, ValueError, OverflowError):
        return None


def _signal(value: Any) -> Signal | None:
    try:
        return Signal(value)
    except ValueError:
        return None


def _time_ms(value: Any) -> int | None:
    if not isinstance(value, numbers.Real):
        return None
    at_ms = float(value)
    return int(at_ms) if 0 <= at_ms <= AT_MS_MAX else None
