"""A ranker whose state is arrays: growth, digest, state and erasure, for any compiled model."""

import abc
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from online_models.base import AT_MS_MAX, STEP_MS, Ranker
from online_models.stores import Arrays, capacity, digest_into, filled, grown, trimmed
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


class NoStores(NamedTuple):
    """Nothing is kept."""


class ColumnRanker(Ranker):
    """Holds stores by listener, by track and shared ones, each a named tuple of arrays.

    A subclass says how empty stores look and what a batch of rows does to them. One thread at a
    time may use a ranker: queries leave the state alone but use scratch room of it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows = {"listeners": 0, "tracks": 0, "artists": 0}
        self._listeners = self._no_listeners(0)
        self._tracks = self._no_tracks(0)
        self._artists = self._no_artists(0)
        self._shared = self._nothing_shared()
        self._scratch = self._no_scratch(0)
        self._notes = self._no_notes(0)

    # -- what a subclass says ----------------------------------------------------------------

    @abc.abstractmethod
    def _no_listeners(self, rows: int) -> Any:
        """Stores of `rows` listeners who have done nothing."""

    @abc.abstractmethod
    def _no_tracks(self, rows: int) -> Any:
        """Stores of `rows` tracks to which nothing has happened."""

    def _no_artists(self, rows: int) -> Any:
        """Stores of `rows` groups (artists) of which nothing was heard; none by default."""
        return NoStores()

    @abc.abstractmethod
    def _nothing_shared(self) -> Any:
        """Stores of fixed size; has `clock_ms`, int64[1], the time of the last event."""

    @abc.abstractmethod
    def _no_scratch(self, tracks: int) -> Any:
        """Room to work in, no part of the state."""

    def _no_notes(self, groups: int) -> Any:
        """Room to work in by group, no part of the state; none by default."""
        return NoStores()

    @abc.abstractmethod
    def _learn_rows(self, rows: NDArray[Any], ranks: NDArray[np.int32], evaluate: bool) -> None:
        """Learns `rows` (dtype `ROW`, none of them unusable); writes their ranks."""

    @abc.abstractmethod
    def _clear_listener(self, code: int) -> None:
        """Puts the listener's rows back to those of one who has done nothing."""

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
            self._make_room(*(int(rows[each].max()) + 1 for each in ("user", "item", "group")))
            self._learn_rows(rows, ranks, evaluate)
        return ranks

    def next_at_ms(self) -> int:
        """See `Ranker.next_at_ms`."""
        return min(int(self._shared.clock_ms[0]) + STEP_MS, AT_MS_MAX)

    def _make_room(self, listeners: int, tracks: int, groups: int) -> None:
        if listeners > self._rows["listeners"]:
            self._make_room_for_listeners(listeners)
        if tracks > self._rows["tracks"]:
            self._make_room_for_tracks(tracks)
        if groups > self._rows["artists"]:
            self._make_room_for_groups(groups)

    def _make_room_for_listeners(self, rows: int) -> None:
        if rows > capacity(self._rows["listeners"]):
            self._listeners = grown(self._listeners, rows, self._no_listeners)
        self._rows["listeners"] = rows

    def _make_room_for_tracks(self, rows: int) -> None:
        if rows > capacity(self._rows["tracks"]):
            self._tracks = grown(self._tracks, rows, self._no_tracks)
            self._scratch = self._no_scratch(capacity(rows))
        self._rows["tracks"] = rows

    def _make_room_for_groups(self, rows: int) -> None:
        if rows > capacity(self._rows["artists"]):
            self._artists = grown(self._artists, rows, self._no_artists)
            self._notes = self._no_notes(capacity(rows))
        self._rows["artists"] = rows

    def forget(self, user_code: int) -> None:
        """See `Ranker.forget`; the code's id leaves memory by `users.forget`."""
        if 0 <= user_code < self._rows["listeners"]:
            self._clear_listener(user_code)

    # -- digest and state --------------------------------------------------------------------

    def _vocabularies(self) -> dict[str, Vocabulary]:
        return {"users": self.users, "items": self.items, "groups": self.groups}

    def _parts(self) -> Iterator[tuple[str, Any, int]]:
        yield "listeners", self._listeners, self._rows["listeners"]
        yield "tracks", self._tracks, self._rows["tracks"]
        yield "artists", self._artists, self._rows["artists"]
        yield "shared", self._shared, _ALL

    def digest(self) -> str:
        """See `Ranker.digest`: vocabularies, identity and every live row (xxh3, 128 bits)."""
        digest = xxhash.xxh3_128(json.dumps([*self.identity(), self._rows]).encode())
        for vocabulary in self._vocabularies().values():
            digest.update(vocabulary.digest())
        for name, stores, rows in self._parts():
            digest.update(name.encode())
            digest_into(digest, stores, rows)
        return digest.hexdigest()

    def state(self) -> Arrays:
        """See `Ranker.state`."""
        rows = np.array(list(self._rows.values()), np.int64)
        arrays: Arrays = {"identity": self._identity_written(), "rows": rows}
        for name, vocabulary in self._vocabularies().items():
            arrays |= _prefixed(name, vocabulary.state())
        for name, stores, live in self._parts():
            arrays |= _prefixed(name, trimmed(stores, live))
        return arrays

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """See `Ranker.load`."""
        self._check_is_mine(state)
        listeners, tracks, artists = state["rows"].tolist()
        held = {
            "listeners": self._no_listeners(capacity(listeners)),
            "tracks": self._no_tracks(capacity(tracks)),
            "artists": self._no_artists(capacity(artists)),
            "shared": self._nothing_shared(),
        }
        for name, stores in held.items():
            filled(stores, _under(name, state))
        for name, vocabulary in self._vocabularies().items():
            vocabulary.load(_under(name, state))
        self._rows = {"listeners": listeners, "tracks": tracks, "artists": artists}
        self._listeners, self._tracks, self._artists, self._shared = held.values()
        self._scratch = self._no_scratch(capacity(tracks))
        self._notes = self._no_notes(capacity(artists))


_ALL = 2**31


def _prefixed(name: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    return {f"{name}/{key}": array for key, array in arrays.items()}


def _under(name: str, state: Mapping[str, NDArray[Any]]) -> Arrays:
    prefix = f"{name}/"
    return {
        key.removeprefix(prefix): array for key, array in state.items() if key.startswith(prefix)
    }
