"""`ColumnRanker`: a ranker whose state is arrays of records, for any compiled model."""

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
    FIXED,
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
"""The record of one event, as compiled code reads it: a row of `Columns`."""


class ColumnRanker(Ranker):
    """Holds stores, which are arrays of records: one per listener, one per track, and others.

    A subclass states the layout of its stores and how a batch of rows updates them; this class
    grows the stores, hashes, saves and loads them, and erases listeners. Only one thread at a time
    may use a ranker: queries leave the state alone, but they use its scratch memory. Of its more
    than 15 methods most are those of `Ranker`, or what subclasses fill in.
    """

    def __init__(self) -> None:
        super().__init__()
        self._codes = {"listeners": 0, "tracks": 0, "artists": 0}
        self._layout = self._store_layouts()
        self._stores = {
            name: empty(store.record, store.rows) for name, store in self._layout.items()
        }
        self._make_scratch()

    # -- what a subclass implements ----------------------------------------------------------

    @abc.abstractmethod
    def _store_layouts(self) -> dict[str, Store]:
        """The layout of every store, by name.

        The store "shared" has one record with `clock_ms`, the last event's time.
        """

    @abc.abstractmethod
    def _rows_in_use(self, name: str) -> int:
        """The number of rows in use, of a store whose rows are not numbered by codes."""

    @abc.abstractmethod
    def _make_scratch(self) -> None:
        """Allocates scratch memory, and whatever else is derived from the stores."""

    @abc.abstractmethod
    def _learn_rows(self, rows: NDArray[Any], ranks: NDArray[np.int32], evaluate: bool) -> None:
        """Learns `rows` (dtype `ROW`, [n]); writes their places into `ranks`, [n]."""

    @abc.abstractmethod
    def _follow_rows(self, rows: NDArray[Any], places: NDArray[np.int32]) -> None:
        """Evaluates `rows` and updates only their listeners' contexts; writes `places`, [n]."""

    @abc.abstractmethod
    def _introduce_rows(self, rows: NDArray[Any]) -> None:
        """Registers the items of `rows` with their groups."""

    @abc.abstractmethod
    def _clear_listener(self, code: int) -> None:
        """Resets the listener's records to those of a listener without events."""

    @property
    def fixed_bytes(self) -> int:
        """See `Ranker.fixed_bytes`."""
        fixed = [name for name, store in self._layout.items() if store.by == FIXED]
        return sum(self._stores[name].nbytes for name in fixed)

    # -- learning ----------------------------------------------------------------------------

    def learn_many(self, columns: Columns, *, evaluate: bool = True) -> NDArray[np.int32]:
        """See `Ranker.learn_many`."""
        rows = _records_of(columns)
        ranks = np.full(len(rows), NOT_LISTED, np.int32)
        if len(rows):
            self._grow(rows)
            self._learn_rows(rows, ranks, evaluate)
        return np.maximum(ranks, NOT_LISTED)

    def introduce(self, items: NDArray[np.int32], groups: NDArray[np.int32]) -> None:
        """See `Ranker.introduce`."""
        rows = np.zeros(len(items), ROW)
        rows["user"], rows["item"], rows["group"] = -1, items, groups
        if len(rows):
            self._grow(rows)
            self._introduce_rows(rows)

    def place_many(self, columns: Columns, *, is_frozen: bool = False) -> NDArray[np.int32]:
        """See `Ranker.place_many`."""
        rows = _records_of(columns)
        places = np.full(len(rows), NOT_LISTED, np.int32)
        if len(rows):
            self._grow(rows)
            if is_frozen:
                self._follow_rows(rows, places)
            else:
                self._learn_rows(rows, places, True)
        return places

    def next_at_ms(self) -> int:
        """See `Ranker.next_at_ms`."""
        return min(int(self._stores["shared"]["clock_ms"][0]) + STEP_MS, AT_MS_MAX)

    def _grow(self, rows: NDArray[Any]) -> None:
        before, held = self._codes, self._stores
        columns = {"listeners": "user", "tracks": "item", "artists": "group"}
        self._codes = before | {
            name: max(before[name], int(rows[column].max()) + 1) for name, column in columns.items()
        }
        try:
            self._stores = {
                name: grown(held[name], self._row_count(name) + len(rows) * (store.by == POOL))
                for name, store in self._layout.items()
            }
        except MemoryError:
            self._codes = before
            raise
        if any(self._stores[name] is not held[name] for name in held):
            self._make_scratch()

    def _row_count(self, name: str) -> int:
        """The number of rows of the store that are in use."""
        by = self._layout[name].by
        return self._codes[by] if by in self._codes else self._rows_in_use(name)

    def forget(self, user_code: int) -> None:
        """See `Ranker.forget`; `users.forget` removes the id itself."""
        if 0 <= user_code < self._codes["listeners"]:
            self._clear_listener(user_code)

    # -- digest and state --------------------------------------------------------------------

    def _vocabularies(self) -> dict[str, Vocabulary]:
        return {"users": self.users, "items": self.items, "groups": self.groups}

    def _used(self) -> Iterator[tuple[str, Records]]:
        for name, records in self._stores.items():
            yield name, records[: self._row_count(name)]

    def digest(self) -> str:
        """See `Ranker.digest`: xxh3 (128 bits) of vocabularies, identity and rows in use."""
        digest = xxhash.xxh3_128(json.dumps([*self.identity(), self._codes]).encode())
        for vocabulary in self._vocabularies().values():
            digest.update(vocabulary.digest())
        for name, records in self._used():
            digest_into(digest, name, records)
        return digest.hexdigest()

    def state(self) -> Arrays:
        """See `Ranker.state`; stores are uint8[rows, bytes per record]."""
        return {name: array.copy() for name, [array] in self.views().items()}

    def views(self) -> dict[str, list[NDArray[Any]]]:
        """`state()` without copies of the stores; views are valid until the next row is learnt."""
        codes = np.array(list(self._codes.values()), np.int64)
        arrays: Arrays = {"identity": self._identity_bytes(), "rows": codes}
        for name, vocabulary in self._vocabularies().items():
            arrays |= _prefixed(name, vocabulary.state())
        arrays |= {f"stores/{name}": as_bytes(used) for name, used in self._used()}
        return {name: [array] for name, array in arrays.items()}

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """See `Ranker.load`."""
        self._check_identity(state)
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
        """Returns what a pickle contains: the parameters and the state."""
        return {"params": self._get_params(), "state": self.state()}

    def __setstate__(self, pickled: dict[str, Any]) -> None:
        """Restores a model from a pickle."""
        self.__init__(**pickled["params"])  # type: ignore[misc]
        self.load(pickled["state"])


def _records_of(columns: Columns) -> NDArray[Any]:
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
