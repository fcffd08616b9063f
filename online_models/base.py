"""`Ranker`, the interface of every model: River's for single events, and one for columns."""

import abc
import json
import numbers
import operator
from collections.abc import Hashable, Iterable, Mapping
from enum import IntEnum
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.errors import ModelError
from online_models.river_modules import river_module
from online_models.vocabulary import Vocabulary

EVALUATED_K = 20
"""Length of the list in which the played track is looked for before it is learnt."""
CANDIDATES_ASKED = 200
"""Length of the list from which a query chooses, where a model gives its list alone."""
AT_MS_MAX = 2**32 * 1000 - 1
"""The latest valid time, in the year 2106: times are kept as seconds since 1970 in 32 bits."""
NOT_LISTED, NOT_PROPOSED = -1, -2
"""Values in place of a rank: the item was not in the list, or was not even a candidate."""
STEP_MS = 1000
"""An event without a time is assigned a time this much later than the event before it."""

_AnyRiverRanker: Any = river_module("river.reco.base").Ranker


class Signal(IntEnum):
    """The kind of an event: a play, explicit feedback, or a control event."""

    LISTEN = 0
    NOW_PLAYING = 1
    LOVE = 2
    HATE = 3
    CLEAR = 4
    RETRACT = 5
    DISMISS = 6
    SKIP = 7


class Recommendation(NamedTuple):
    """A recommended item, its score, and the expert that contributed most to the score."""

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


class Candidates(NamedTuple):
    """All tracks that a query may choose from, best first: arrays of shape [n]."""

    items: NDArray[np.int32]
    """int32[n]: codes of `Ranker.items`."""
    scores: NDArray[np.float64]
    """float64[n]: the model's scores."""
    reasons: NDArray[np.uint8]
    """uint8[n]: reason codes."""
    is_related: NDArray[np.bool_]
    """bool[n]: whether the model knows that the item belongs to those that were played last."""

    def rows(self, which: NDArray[Any]) -> "Candidates":
        """The candidates that `which` selects: a mask, or positions in their new order."""
        return Candidates(
            self.items[which], self.scores[which], self.reasons[which], self.is_related[which]
        )


Context = Mapping[str, Any]
"""River's `x`: may hold "at" (ms since 1970), "group" (the artist) and "signal" (`Signal`)."""


class Ranker(_AnyRiverRanker, abc.ABC):
    """A model that predicts which item a user plays next; every event updates it.

    In River's interface (`learn_one`, `rank`, `recommend`) ids are any hashables. In the column
    interface (`learn_many`, `recommend_many`) they are codes of the vocabularies `users`, `items`
    and `groups`. A query never changes the state. Events with an invalid reward, time or signal
    are ignored. The contract tests (tests/contract/test_ranker_contract.py) hold every model to
    these and further promises.

    The interface extends `river.reco.base.Ranker` (https://riverml.xyz). It has more than 15
    methods because it is two interfaces to one state: River's, and the one in columns.
    """

    fold_version: ClassVar[int]
    """Version of the results: it is raised whenever equal events give a different state."""
    model_name: ClassVar[str]
    """Name of the model in the registry."""
    reasons: ClassVar[tuple[str, ...]]
    """Names of the reason codes that `recommend_many` returns."""

    def __init__(self) -> None:
        super().__init__(seed=0)
        self.users = Vocabulary()
        self.items = Vocabulary()
        self.groups = Vocabulary()

    @property
    def is_contextual(self) -> bool:
        """Whether `x` is read: always True."""
        return True

    @property
    def fixed_bytes(self) -> int:
        """Memory of tables that fill up whatever is learnt, in bytes; 0 for a model without one."""
        return 0

    # -- columns of events -------------------------------------------------------------------

    @abc.abstractmethod
    def learn_many(self, columns: Columns, *, evaluate: bool = True) -> NDArray[np.int32]:
        """Learns each of the n events in turn, after ranking its item if `evaluate` is true.

        Returns int32[n]: the 0-based rank of the item in the list of `EVALUATED_K` items that the
        user would have got just before the event; -1 if the item was not in the list, the event is
        no LISTEN, or `evaluate` is false. Raises `ModelError` if the columns differ in length.
        """

    @abc.abstractmethod
    def place_many(self, columns: Columns, *, is_frozen: bool = False) -> NDArray[np.int32]:
        """As `learn_many`, for evaluation: reports misses of candidate generation, may be frozen.

        A frozen model updates the user's history and session context, and learns nothing else.

        Returns int32[n]: the 0-based rank; `NOT_LISTED` if the item was a candidate that was not
        listed, or the event is no LISTEN; `NOT_PROPOSED` if the item was no candidate.
        """

    def introduce(self, items: NDArray[np.int32], groups: NDArray[np.int32]) -> None:
        """Registers items that no user has played yet (cold start), with their groups.

        `items` and `groups` are codes, int32[n]. A model that does not use groups ignores the
        call, which is the default.
        """

    def groups_of(self, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """Groups of `items` (codes [n]), int32[n]; -1 if unknown or if the model ignores groups."""
        return np.full(len(items), -1, np.int32)

    def plays_of(self, user: int) -> NDArray[np.int32]:
        """The history that the model keeps of `user` (code): items, oldest first, int32[n]."""
        return np.zeros(0, np.int32)

    def times_of(self, user: int) -> NDArray[np.int64]:
        """The times of `plays_of`, in seconds, int64[n]."""
        return np.zeros(0, np.int64)

    def items_of(self, group: int) -> NDArray[np.int32]:
        """Items of `group` (code) that the model knows, most popular first, int32[n]."""
        return np.zeros(0, np.int32)

    def candidates_after(
        self, user: int, plays: NDArray[np.int32], also: NDArray[np.int32]
    ) -> Candidates:
        """All candidates of `user` (code, -1: unknown), as if they had just played `plays`.

        `plays` are codes, oldest first; those of `also` are candidates, too. Codes without an item
        are ignored. No state changes. A model that looks at no plays ranks for the user alone,
        which is the default, and relates no items.
        """
        codes, scores, reasons = self.recommend_many(np.array([user], np.int32), CANDIDATES_ASKED)
        given = codes[0] >= 0
        more = np.setdiff1d(also[(also >= 0) & (also < len(self.items))], codes[0][given])
        found = Candidates(
            np.concatenate([codes[0][given], more]).astype(np.int32),
            np.concatenate([scores[0][given], self.scores(user, more)]),
            np.concatenate([reasons[0][given], np.zeros(len(more), np.uint8)]),
            np.zeros(given.sum() + len(more), np.bool_),
        )
        order = np.lexsort((np.arange(len(found.items)), -found.scores))
        return found.rows(order)

    @abc.abstractmethod
    def recommend_many(
        self, users: NDArray[np.int32], k: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.uint8]]:
        """Lists of at most `k` items for each of `users` (codes [m], -1: unknown user).

        Returns codes int32[m, k], best first and padded with -1; scores float64[m, k]; reason
        codes uint8[m, k].
        """

    @abc.abstractmethod
    def scores(self, user: int, items: NDArray[np.int32]) -> NDArray[np.float64]:
        """Scores, float64[n], of `items` (codes [n], -1: unknown) as the next of `user` (code)."""

    @abc.abstractmethod
    def next_at_ms(self) -> int:
        """The time, in ms, of an event without one: a second after the event before it."""

    @abc.abstractmethod
    def forget(self, user_code: int) -> None:
        """Erases the records of one user; counts that are shared by all users stay."""

    @abc.abstractmethod
    def digest(self) -> str:
        """A hash of the state, 32 hex digits: equal exactly if states are equal, in any process."""

    @abc.abstractmethod
    def state(self) -> dict[str, NDArray[Any]]:
        """The whole state as arrays, which hold only the rows that are in use."""

    @abc.abstractmethod
    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Replaces the state by a `state()`; raises `ModelError` if another model wrote it."""

    def identity(self) -> list[Any]:
        """Name, version, parameters (JSON values); `load` accepts states of equal identity only."""
        return [self.model_name, self.fold_version]

    def _identity_bytes(self) -> NDArray[np.uint8]:
        return np.frombuffer(json.dumps(self.identity(), sort_keys=True).encode(), np.uint8)

    def _check_identity(self, state: Mapping[str, NDArray[Any]]) -> None:
        expected = self._identity_bytes().tobytes()
        found = state["identity"].tobytes() if "identity" in state else b"nothing known"
        if found != expected:
            raise ModelError(
                f"The state belongs to {found.decode()}, the model is {expected.decode()}.",
                "Replay the log, or start the model that the state belongs to.",
            )

    # -- River's interface -------------------------------------------------------------------

    def learn_one(
        self, user: Hashable, item: Hashable, y: Any = True, x: Context | None = None
    ) -> None:
        """Learns that `user` played `item` with reward `y`: a bool, or a number in [-1, 1]."""
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
        """The score of `item` as the next item of `user`; 0 for an unknown item."""
        return float(self.scores(self.users.code(user), self._known([item]))[0])

    def rank(
        self, user: Hashable, items: Iterable[Hashable], x: Context | None = None
    ) -> list[Hashable]:
        """`items`, best first. Ties are in the order of codes, and of text for unknown items."""
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
        """At most `k` items of the catalogue, best first; an unknown user gets popular ones."""
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
    """Whether `value` equals itself, so that a dictionary finds it again; NaN does not."""
    return bool(operator.eq(value, value))


def _reward(y: Any) -> float | None:
    """`y` as a number; NaN if it is None; None if it is no number."""
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
