"""`RiverRanker`: hosts a ranker of River, such as matrix factorization, as a `Ranker`."""

import inspect
import io
import pickle
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from online_models.base import (
    AT_MS_MAX,
    EVALUATED_K,
    NOT_LISTED,
    NOT_PROPOSED,
    STEP_MS,
    Columns,
    Ranker,
    Signal,
)
from online_models.content_digest import content_digest
from online_models.errors import ModelError
from online_models.presets import OwnRecent

CANDIDATES_MAX = 100
_SAFE_NAMES = {
    ("collections", "defaultdict"),
    ("collections", "deque"),
    ("functools", "partial"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy.random._mt19937", "MT19937"),
    ("numpy.random._pickle", "__bit_generator_ctor"),
    ("numpy.random._pickle", "__randomstate_ctor"),
    ("random", "Random"),
}
"""Names that a pickled state may contain beside River's classes (an allow-list)."""


class RiverRanker(Ranker):
    """River's `ranker` (a name in `river.reco`, https://riverml.xyz) with its `params`.

    River ranks given candidates and generates none. The candidates here are the listener's last
    tracks and the popular ones, `CANDIDATES_MAX` together (the baseline `OwnRecent`). The model
    learns LISTENs only. Erasing a listener removes their key from the model's dictionaries; what
    the model keeps elsewhere stays. It has more than 15 methods because `Ranker` has.

    Parameters: `ranker`, the class's name, and `params`, its keyword arguments.

    >>> model = RiverRanker("BiasedMF")
    >>> for item in ["so what", "all blues", "so what"]:
    ...     model.learn_one("miles", item)
    >>> sorted(each.item for each in model.recommend("miles", k=2))
    ['all blues', 'so what']
    """

    fold_version = 1
    model_name = "river"
    reasons: ClassVar[tuple[str, ...]] = ("river",)

    def __init__(self, ranker: str = "BiasedMF", params: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.ranker = ranker
        self.params = params
        self._hosted = _hosted(ranker, dict(params or {}))
        self._candidate_model = OwnRecent()
        self._candidate_model.users, self._candidate_model.items = self.users, self.items
        self._candidate_model.groups = self.groups
        self._clock_ms = 0

    # -- learning ----------------------------------------------------------------------------

    def learn_many(self, columns: Columns, *, evaluate: bool = True) -> NDArray[np.int32]:
        """See `Ranker.learn_many`."""
        return np.maximum(self._place(columns, evaluate, is_frozen=False), NOT_LISTED)

    def place_many(self, columns: Columns, *, is_frozen: bool = False) -> NDArray[np.int32]:
        """See `Ranker.place_many`."""
        return self._place(columns, True, is_frozen=is_frozen)

    def _place(self, columns: Columns, evaluate: bool, *, is_frozen: bool) -> NDArray[np.int32]:
        users, items, _, y, at_ms, signals = columns
        places = np.full(len(users), NOT_LISTED, np.int32)
        for at in range(len(users)):
            if not self._is_usable(*(int(column[at]) for column in (users, items, at_ms))):
                continue
            is_listen = signals[at] == Signal.LISTEN
            if is_listen and evaluate:
                places[at] = self._place_before(int(users[at]), int(items[at]))
            row = columns.rows(slice(at, at + 1))
            if is_frozen:
                self._candidate_model.place_many(row, is_frozen=True)
            else:
                self._candidate_model.learn_many(row, evaluate=False)
            self._clock_ms = int(at_ms[at])
            if is_listen and not is_frozen:
                self._hosted.learn_one(_user(users[at]), _item(items[at]), _reward(y[at]))
        return places

    @staticmethod
    def _is_usable(user: int, item: int, at_ms: int) -> bool:
        return user >= 0 and item >= 0 and 0 <= at_ms <= AT_MS_MAX

    def _place_before(self, user: int, item: int) -> int:
        ranked = [code for code, _ in self._ranked(user, CANDIDATES_MAX)]
        if item not in ranked:
            return NOT_PROPOSED
        place = ranked.index(item)
        return place if place < EVALUATED_K else NOT_LISTED

    def next_at_ms(self) -> int:
        """See `Ranker.next_at_ms`."""
        return min(self._clock_ms + STEP_MS, AT_MS_MAX)

    def forget(self, user_code: int) -> None:
        """See `Ranker.forget`."""
        self._candidate_model.forget(user_code)
        for table in vars(self._hosted).values():
            if isinstance(table, dict):
                table.pop(_user(user_code), None)

    # -- queries -----------------------------------------------------------------------------

    def plays_of(self, user: int) -> NDArray[np.int32]:
        """See `Ranker.plays_of`."""
        return self._candidate_model.plays_of(user)

    def times_of(self, user: int) -> NDArray[np.int64]:
        """See `Ranker.times_of`."""
        return self._candidate_model.times_of(user)

    def _candidates(self, user: int) -> list[int]:
        found, _, _ = self._candidate_model.recommend_many(
            np.array([user], np.int32), CANDIDATES_MAX
        )
        return [code for code in found[0].tolist() if code >= 0]

    def _ranked(self, user: int, k: int) -> list[tuple[int, float]]:
        """Best first; ties (all items, for an unknown listener) in the order of proposal."""
        codes = self._candidates(user)
        scored = zip(codes, self.scores(user, np.array(codes, np.int32)).tolist(), strict=True)
        return sorted(scored, key=lambda each: -each[1])[:k]

    def scores(self, user: int, items: NDArray[np.int32]) -> NDArray[np.float64]:
        """See `Ranker.scores`; 0 for a user or an item that is new to the hosted model."""
        tables = [table for table in vars(self._hosted).values() if isinstance(table, dict)]
        random_state = self._hosted._rng.getstate()
        found = [self._score(tables, user, code) for code in items.tolist()]
        self._hosted._rng.setstate(random_state)
        return np.nan_to_num(np.array(found, np.float64), posinf=0.0, neginf=0.0)

    def _score(self, tables: list[dict[str, Any]], user: int, item: int) -> float:
        """River's prediction; 0 for unknown keys, because a prediction would create their rows."""
        keys = (_user(user), _item(item))
        if min(user, item) < 0 or not all(any(key in table for key in keys) for table in tables):
            return 0.0
        return float(self._hosted.predict_one(*keys))

    def recommend_many(
        self, users: NDArray[np.int32], k: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.uint8]]:
        """See `Ranker.recommend_many`."""
        items = np.full((len(users), k), -1, np.int32)
        scores = np.zeros((len(users), k), np.float64)
        for row, user in enumerate(users.tolist()):
            for place, (code, score) in enumerate(self._ranked(user, k)):
                items[row, place], scores[row, place] = code, score
        return items, scores, np.zeros((len(users), k), np.uint8)

    # -- digest and state --------------------------------------------------------------------

    def digest(self) -> str:
        """See `Ranker.digest`."""
        return content_digest(
            [self.identity(), self._clock_ms, self._candidate_model.digest(), self._hosted]
        )

    def identity(self) -> list[Any]:
        """See `Ranker.identity`."""
        return [*super().identity(), self.ranker, dict(self.params or {})]

    def state(self) -> dict[str, NDArray[Any]]:
        """See `Ranker.state`; the array `hosted` is a pickle of the hosted model (protocol 4)."""
        written = {
            f"sources/{name}": array for name, array in self._candidate_model.state().items()
        }
        hosted = np.frombuffer(pickle.dumps(self._hosted, protocol=4), np.uint8)
        return written | {
            "identity": self._identity_bytes(),
            "hosted": hosted,
            "clock_ms": np.array([self._clock_ms]),
        }

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """See `Ranker.load`; the pickle may contain River's classes and `_SAFE_NAMES` only."""
        self._check_identity(state)
        hosted = _Restricted(io.BytesIO(state["hosted"].tobytes())).load()
        if type(hosted) is not type(self._hosted):
            raise ModelError(
                f"The state holds a {type(hosted).__name__}, not a {self.ranker}.",
                "It was changed by somebody: remove it, and replay the log.",
            )
        prefix = "sources/"
        self._candidate_model.load(
            {name.removeprefix(prefix): a for name, a in state.items() if name.startswith(prefix)}
        )
        self._hosted = hosted
        self._clock_ms = int(state["clock_ms"][0])


def _user(code: Any) -> str:
    return f"u{int(code)}"


def _item(code: Any) -> str:
    return f"i{int(code)}"


def _reward(y: Any) -> float:
    """`y` clipped to [-1, 1]; 1 for a play without a reward."""
    return 1.0 if np.isnan(y) else float(np.clip(y, -1.0, 1.0))


def _hosted(name: str, params: dict[str, Any]) -> Any:
    from river import reco  # noqa: PLC0415 - imports SciPy, which no other model needs

    ranker_class = getattr(reco, name, None)
    if not (inspect.isclass(ranker_class) and issubclass(ranker_class, reco.base.Ranker)):
        names = [each for each in reco.__all__ if inspect.isclass(getattr(reco, each))]
        raise ModelError(f"River has no ranker {name!r}.", f"It has: {', '.join(names)}.")
    return ranker_class(**{"seed": 0, **params})


class _Restricted(pickle.Unpickler):
    """Unpickles what `state` wrote, and refuses to import anything else.

    To check the package of a name would not suffice: a module of River imports other modules, and
    a pickle could reach them through it (`os.system` by way of `river.x`). A name must therefore
    be a class that River itself defines.
    """

    def find_class(self, module: str, name: str) -> Any:
        """Returns the named class; raises `ModelError` if it is not allowed."""
        if (module, name) in _SAFE_NAMES:
            return super().find_class(module, name)
        if module.startswith("river."):
            found = super().find_class(module, name)
            if inspect.isclass(found) and found.__module__.startswith("river."):
                return found
        raise ModelError(
            f"The state names {module}.{name}, which is no model's.",
            "It was changed by somebody: remove it, and replay the log.",
        )
