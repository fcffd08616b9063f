"""A ranker whose state is arrays: growth, digest, state and erasure, for any compiled model."""

import abc
import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import xxhash
from numpy.typing import NDArray

from online_models.base import AT_MS_MAX, STEP_MS, Ranker
from online_models.stores import Arrays, capacity, digest_into, filled, grown, room, trimmed
from online_models.vocabulary import Vocabulary

ROW = np.dtype(
    [
        ("user", "<i4"),
        ("item", "<i4"),
        ("group", "<i4"),
        ("y", "<f4"),
        ("at_ms", "<i8"),
        ("signal", "u1"),
    ],
    align=True,
)
"""One event, as compiled code reads it."""


class ColumnRanker(Ranker):
    """Holds stores by listener, track and whatever else, each a named tuple of arrays.

    A subclass says how empty stores look, how many rows of them are live, and what a batch of
    rows does to them. One thread at a time may use a ranker: queries leave the state alone but
    use scratch room of it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._codes = {"listeners": 0, "tracks": 0, "artists": 0}
        self._shared = self._nothing_shared()
        self._stores = {name: self._empty(name, 0) for name in self.store_names}
        self._scratch = self._no_scratch()

    # -- what a subclass says ----------------------------------------------------------------

    store_names: ClassVar[tuple[str, ...]]
    """Stores that grow; of those named in `_codes`, one row a code."""

    @abc.abstractmethod
    def _empty(self, name: str, rows: int) -> Any:
        """The store of this name with `rows` rows to which nothing has happened."""

    @abc.abstractmethod
    def _nothing_shared(self) -> Any:
        """Stores of fixed size; has `clock_ms`, int64[1], the time of the last event."""

    @abc.abstractmethod
    def _live(self, name: str) -> int:
        """How many rows of a store that is not by code are in use."""

    @abc.abstractmethod
    def _no_scratch(self) -> Any:
        """Room to work in for the stores as they are, no part of the state."""

    @abc.abstractmethod
    def _learn_rows(self, rows: NDArray[Any], ranks: NDArray[np.int32], evaluate: bool) -> None:
        """Learns `rows` (dtype `ROW`, none of them unusable); writes their ranks."""

    @abc.abstractmethod
    def _clear_listener(self, code: int) -> None:
        """Puts the listener's rows back to those of one who has done nothing."""

    def _loaded(self) -> None:
        """Makes anew what follows from the stores."""

    # -- learning ----------------------------------------------------------------------------

    def learn_many(
        self,
        users: NDArray[np.int32],
        items: NDArray[np.int32],
        groups: NDArray[np.int32],
        y: NDArray[np.float32],
        at_ms: NDArray[np.int64],
        signals: NDArray[np.uint8],
        *,
        evaluate: bool = True,
    ) -> NDArray[np.int32]:
        """See `Ranker.learn_many`."""
        rows = np.zeros(len(users), ROW)
        rows["user"], rows["item"], rows["group"] = users, items, groups
        rows["y"], rows["at_ms"], rows["signal"] = y, at_ms, signals
        ranks = np.full(len(rows), -1, np.int32)
        if len(rows):
            self._make_room(rows)
            self._learn_rows(rows, ranks, evaluate)
        return ranks

    def next_at_ms(self) -> int:
        """See `Ranker.next_at_ms`."""
        return min(int(self._shared.clock_ms[0]) + STEP_MS, AT_MS_MAX)

    def _make_room(self, rows: NDArray[Any]) -> None:
        for name, column in (("listeners", "user"), ("tracks", "item"), ("artists", "group")):
            self._codes[name] = max(self._codes[name], int(rows[column].max()) + 1)
        grew = [self._grow(name, self._needed(name, len(rows))) for name in self.store_names]
        if any(grew):
            self._scratch = self._no_scratch()

    def _needed(self, name: str, rows: int) -> int:
        """Rows that the store must have for the next `rows` events."""
        return self._codes[name] if name in self._codes else self._live(name) + rows

    def _grow(self, name: str, rows: int) -> bool:
        has_room = rows <= room(self._stores[name])
        if not has_room:
            self._stores[name] = grown(
                self._stores[name], rows, lambda rows: self._empty(name, rows)
            )
        return not has_room

    def forget(self, user_code: int) -> None:
        """See `Ranker.forget`; the code's id leaves memory by `users.forget`."""
        if 0 <= user_code < self._codes["listeners"]:
            self._clear_listener(user_code)

    # -- digest and state --------------------------------------------------------------------

    def _vocabularies(self) -> dict[str, Vocabulary]:
        return {"users": self.users, "items": self.items, "groups": self.groups}

    def _parts(self) -> Iterator[tuple[str, Any, int]]:
        for name, stores in self._stores.items():
            yield name, stores, self._codes[name] if name in self._codes else self._live(name)
        yield "shared", self._shared, _ALL

    def digest(self) -> str:
        """See `Ranker.digest`: vocabularies, identity and every live row (xxh3, 128 bits)."""
        digest = xxhash.xxh3_128(json.dumps([*self.identity(), self._codes]).encode())
        for vocabulary in self._vocabularies().values():
            digest.update(vocabulary.digest())
        for name, stores, rows in self._parts():
            digest.update(name.encode())
            digest_into(digest, stores, rows)
        return digest.hexdigest()

    def state(self) -> Arrays:
        """See `Ranker.state`."""
        codes = np.array(list(self._codes.values()), np.int64)
        arrays: Arrays = {"identity": self._identity_written(), "rows": codes}
        for name, vocabulary in self._vocabularies().items():
            arrays |= _prefixed(name, vocabulary.state())
        for name, stores, live in self._parts():
            arrays |= _prefixed(name, trimmed(stores, live))
        return arrays

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """See `Ranker.load`."""
        self._check_is_mine(state)
        shared = self._nothing_shared()
        filled(shared, _under("shared", state))
        held = {name: self._held(name, _under(name, state)) for name in self.store_names}
        for name, vocabulary in self._vocabularies().items():
            vocabulary.load(_under(name, state))
        self._codes = dict(zip(self._codes, state["rows"].tolist(), strict=True))
        self._shared, self._stores = shared, held
        self._scratch = self._no_scratch()
        self._loaded()

    def _held(self, name: str, arrays: Arrays) -> Any:
        stores = self._empty(name, capacity(max(map(len, arrays.values()), default=0)))
        filled(stores, arrays)
        return stores

    def __getstate__(self) -> dict[str, Any]:
        """What pickles hold: parameters and the trimmed state."""
        return {"params": self._get_params(), "state": self.state()}

    def __setstate__(self, pickled: dict[str, Any]) -> None:
        self.__init__(**pickled["params"])  # type: ignore[misc]
        self.load(pickled["state"])


_ALL = 2**31


def _prefixed(name: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    return {f"{name}/{key}": array for key, array in arrays.items()}


def _under(name: str, state: Mapping[str, NDArray[Any]]) -> Arrays:
    prefix = f"{name}/"
    return {
        key.removeprefix(prefix): array for key, array in state.items() if key.startswith(prefix)
    }
