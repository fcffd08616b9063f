"""A ranker whose state is arrays: growth, digest, state and erasure, for any compiled model."""

import abc
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from online_models.base import AT_MS_MAX, NOT_LISTED, STEP_MS, Columns, Ranker
from online_models.errors import ModelError
from online_models.kernels.record_stores import (
    POOL,
    Arrays,
    Records,
    Store,
    as_bytes,
    capacity,
    digest_into,
    empty,
    fill,
    grown,
)
from online_models.vocabulary import Vocabulary

ROW = np.dtype(
    [
        ("user", "<i8"),
        ("item", "<i8"),
        ("group", "<i8"),
        ("y", "<f4"),
        ("at_ms", "<i8"),
        ("signal", "u1"),
    ],
    align=True,
)
"""One event, as compiled code reads it."""


class ColumnRanker(Ranker):
    """Holds stores by listener, by track and whatever else, each an array of records.

    A subclass says how its stores look and what a batch of rows does to them. One thread at a
    time may use a ranker: queries leave the state alone but use scratch room of it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._codes = {"listeners": 0, "tracks": 0, "artists": 0}
        self._layout = self._stores_needed()
        self._stores = {
            name: empty(store.record, store.rows) for name, store in self._layout.items()
        }
        self._make_scratch()

    # -- what a subclass says ----------------------------------------------------------------

    @abc.abstractmethod
    def _stores_needed(self) -> dict[str, Store]:
        """Every store by name; "shared" is one record with `clock_ms`, the last event's time."""

    @abc.abstractmethod
    def _live(self, name: str) -> int:
        """How many rows of a store that is not by code are in use."""

    @abc.abstractmethod
    def _make_scratch(self) -> None:
        """Makes room to work in, and all else that follows from the stores."""

    @abc.abstractmethod
    def _learn_rows(self, rows: NDArray[Any], ranks: NDArray[np.int32], evaluate: bool) -> None:
        """Learns `rows` (dtype `ROW`); writes their ranks, or why there is none."""

    @abc.abstractmethod
    def _follow_rows(self, rows: NDArray[Any], places: NDArray[np.int32]) -> None:
        """Evaluates `rows` and follows their listeners, learning nothing; writes places."""

    @abc.abstractmethod
    def _introduce_rows(self, rows: NDArray[Any]) -> None:
        """Makes the items of `rows` known by their groups."""

    @abc.abstractmethod
    def _clear_listener(self, code: int) -> None:
        """Puts the listener's records back to those of one who has done nothing."""

    # -- learning ----------------------------------------------------------------------------

    def learn_many(self, columns: Columns, *, evaluate: bool = True) -> NDArray[np.int32]:
        """See `Ranker.learn_many`."""
        rows = _rows_of(columns)
        ranks = np.full(len(rows), NOT_LISTED, np.int32)
        if len(rows):
            self._make_room(rows)
            self._learn_rows(rows, ranks, evaluate)
        return np.maximum(ranks, NOT_LISTED)

    def introduce(self, items: NDArray[np.int32], groups: NDArray[np.int32]) -> None:
        """See `Ranker.introduce`."""
        rows = np.zeros(len(items), ROW)
        rows["user"], rows["item"], rows["group"] = -1, items, groups
        if len(rows):
            self._make_room(rows)
            self._introduce_rows(rows)

    def place_many(self, columns: Columns, *, is_frozen: bool = False) -> NDArray[np.int32]:
        """See `Ranker.place_many`."""
        rows = _rows_of(columns)
        places = np.full(len(rows), NOT_LISTED, np.int32)
        if len(rows):
            self._make_room(rows)
            if is_frozen:
                self._follow_rows(rows, places)
            else:
                self._learn_rows(rows, places, True)
        return places

    def next_at_ms(self) -> int:
        """See `Ranker.next_at_ms`."""
        return min(int(self._stores["shared"]["clock_ms"][0]) + STEP_MS, AT_MS_MAX)

    def _make_room(self, rows: NDArray[Any]) -> None:
        before, held = self._codes, self._stores
        columns = {"listeners": "user", "tracks": "item", "artists": "group"}
        self._codes = before | {
            name: max(before[name], int(rows[column].max()) + 1) for name, column in columns.items()
        }
        try:
            self._stores = {
                name: grown(held[name], self._rows_of(name) + len(rows) * (store.by == POOL))
                for name, store in self._layout.items()
            }
        except MemoryError:
            self._codes = before
            raise
        if any(self._stores[name] is not held[name] for name in held):
            self._make_scratch()

    def _rows_of(self, name: str) -> int:
        """How many rows of the store are in use."""
        by = self._layout[name].by
        return self._codes[by] if by in self._codes else self._live(name)

    def forget(self, user_code: int) -> None:
        """See `Ranker.forget`; the code's id leaves memory by `users.forget`."""
        if 0 <= user_code < self._codes["listeners"]:
            self._clear_listener(user_code)

    # -- digest and state --------------------------------------------------------------------

    def _vocabularies(self) -> dict[str, Vocabulary]:
        return {"users": self.users, "items": self.items, "groups": self.groups}

    def _used(self) -> Iterator[tuple[str, Records]]:
        for name, records in self._stores.items():
            yield name, records[: self._rows_of(name)]

    def digest(self) -> str:
        """See `Ranker.digest`: vocabularies, identity and every row in use (xxh3, 128 bits)."""
        digest = xxhash.xxh3_128(json.dumps([*self.identity(), self._codes]).encode())
        for vocabulary in self._vocabularies().values():
            digest.update(vocabulary.digest())
        for name, records in self._used():
            digest_into(digest, name, records)
        return digest.hexdigest()

    def state(self) -> Arrays:
        """See `Ranker.state`; stores are uint8[rows, bytes a record]."""
        return {name: array.copy() for name, [array] in self.views().items()}

    def views(self) -> dict[str, list[NDArray[Any]]]:
        """`state()` without a copy of the stores: good until the next row is learnt."""
        codes = np.array(list(self._codes.values()), np.int64)
        arrays: Arrays = {"identity": self._identity_written(), "rows": codes}
        for name, vocabulary in self._vocabularies().items():
            arrays |= _prefixed(name, vocabulary.state())
        arrays |= {f"stores/{name}": as_bytes(used) for name, used in self._used()}
        return {name: [array] for name, array in arrays.items()}

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """See `Ranker.load`."""
        self._check_is_mine(state)
        stores = {name: self._loaded(name, state[f"stores/{name}"]) for name in self._stores}
        for name, vocabulary in self._vocabularies().items():
            vocabulary.load(_under(name, state))
        self._codes = dict(zip(self._codes, state["rows"].tolist(), strict=True))
        self._stores = stores
        self._make_scratch()

    def _loaded(self, name: str, saved: NDArray[Any]) -> Records:
        store = self._layout[name]
        records = empty(store.record, store.rows or capacity(len(saved)))
        fill(name, records, saved)
        return records

    def __getstate__(self) -> dict[str, Any]:
        """What pickles hold: the parameters and the trimmed state."""
        return {"params": self._get_params(), "state": self.state()}

    def __setstate__(self, pickled: dict[str, Any]) -> None:
        self.__init__(**pickled["params"])  # type: ignore[misc]
        self.load(pickled["state"])


def _rows_of(columns: Columns) -> NDArray[Any]:
    if len({len(each) for each in columns}) > 1:
        lengths = ", ".join(str(len(each)) for each in columns)
        raise ModelError(f"The columns have {lengths} rows.", "Give each event a row in each.")
    rows = np.zeros(len(columns.users), ROW)
    for name, column in zip(
        ("user", "item", "group", "y", "at_ms", "signal"), columns, strict=True
    ):
        rows[name] = column
    return rows


def _prefixed(name: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    return {f"{name}/{key}": array for key, array in arrays.items()}


def _under(name: str, state: Mapping[str, NDArray[Any]]) -> Arrays:
    prefix = f"{name}/"
    return {
        key.removeprefix(prefix): array for key, array in state.items() if key.startswith(prefix)
    }
