"""`Contest`: a comparison of several models on the same events, in one pass.

Each model ranks the item of an event, and then learns the event: prequential evaluation, also
called test-then-learn (Dawid 1984; Gama, Sebastião & Rodrigues 2013). Every event is first a test
and then training data, so that no model is tested on what it has learnt already.
"""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.base import EVALUATED_K, Columns, Ranker, Signal

EVENTS_A_SLICE = 1_000
"""Number of events after which the models take turns, and lists for `coverage` are made."""
LISTS_A_SLICE = 32
"""Number of lists per slice, for its last listeners, that count in `coverage`."""


class Contestant:
    """One of the compared models: the places it gave, its time, and the items it listed.

    Parameters: `name`, the model's name in results; `ranker`, the model.
    """

    def __init__(self, name: str, ranker: Ranker) -> None:
        self.name = name
        self.ranker = ranker
        self.seconds = 0.0
        self.lists = 0
        self._places: list[NDArray[np.int8]] = []
        self._is_listed = np.zeros(0, np.bool_)

    @property
    def places(self) -> NDArray[np.int8]:
        """The place of each LISTEN's track, int8[listens]; see `Ranker.place_many`."""
        self._places = [np.concatenate([np.zeros(0, np.int8), *self._places])]
        return self._places[0]

    @property
    def coverage(self) -> float:
        """Catalogue coverage: the share of tracks that were in at least one of `lists` lists."""
        return float(self._is_listed.sum() / max(len(self.ranker.items), 1))

    def take(self, columns: Columns, *, is_frozen: bool) -> NDArray[np.int32]:
        """Ranks the track of each event, then learns the event unless frozen; returns places."""
        began = time.perf_counter()
        places = self.ranker.place_many(columns, is_frozen=is_frozen)
        self.seconds += time.perf_counter() - began
        self._places.append(places[columns.signals == Signal.LISTEN].astype(np.int8))
        return places

    def list_for(self, users: NDArray[np.int32]) -> None:
        """Makes a list for each of `users` (codes) and records the tracks in it."""
        items, _, _ = self.ranker.recommend_many(users, EVALUATED_K)
        missing = len(self.ranker.items) - len(self._is_listed)
        self._is_listed = np.pad(self._is_listed, (0, max(missing, 0)))
        self._is_listed[items[items >= 0]] = True
        self.lists += len(users)


class Contest:
    """Compared models ("contestants"), and the LISTENs that they were tested on.

    The first model is the one that is evaluated; all models share its vocabularies. From event
    number `frozen_from_row` on (0-based), or from the first event later than `frozen_after_ms`,
    the models are frozen: they update listeners' contexts and learn nothing.
    """

    def __init__(
        self,
        rankers: Mapping[str, Ranker],
        *,
        frozen_from_row: int | None = None,
        frozen_after_ms: int | None = None,
    ) -> None:
        self.contestants = [Contestant(name, ranker) for name, ranker in rankers.items()]
        first = self.contestants[0].ranker
        for each in self.contestants[1:]:
            _share_ids(first, each.ranker)
        self._frozen_from_row = frozen_from_row
        self._frozen_after_ms = frozen_after_ms
        self.rows = 0
        self.frozen_at: int | None = None
        """Number of the first event that was not learnt."""
        self._in_slice: list[NDArray[np.int32]] = []
        self._met: list[tuple[NDArray[Any], ...]] = []
        self._listen_rows: list[NDArray[np.int64]] = []

    def take(self, columns: Columns) -> NDArray[np.int32]:
        """Every model ranks and learns the events, in slices; returns the first model's places."""
        places = [np.zeros(0, np.int32)]
        start = 0
        while start < len(columns.users):
            stop = start + EVENTS_A_SLICE - self.rows % EVENTS_A_SLICE
            some = columns.rows(slice(start, stop))
            for part, is_frozen in self._parts(some):
                places.append(self._take_part(part, is_frozen))
            start = stop
        return np.concatenate(places)

    def _parts(self, some: Columns) -> list[tuple[Columns, bool]]:
        """The events before the models are frozen, and those after."""
        n = len(some.users)
        if self.frozen_at is None:
            learnt = self._learnt_of(some)
            if learnt < n:
                self.frozen_at = self.rows + learnt
        else:
            learnt = 0
        learning, frozen = some.rows(slice(learnt)), some.rows(slice(learnt, n))
        return [(learning, False), (frozen, True)]

    def _learnt_of(self, some: Columns) -> int:
        learnt = len(some.users)
        if self._frozen_from_row is not None:
            learnt = min(learnt, max(self._frozen_from_row - self.rows, 0))
        if self._frozen_after_ms is not None:
            later = np.flatnonzero(some.at_ms > self._frozen_after_ms)
            learnt = min([learnt, *later[:1].tolist()])
        return learnt

    def _take_part(self, some: Columns, is_frozen: bool) -> NDArray[np.int32]:
        if not len(some.users):
            return np.zeros(0, np.int32)
        places = [each.take(some, is_frozen=is_frozen) for each in self.contestants]
        listens = some.signals == Signal.LISTEN
        self._met.append((some.users[listens], some.items[listens], some.at_ms[listens]))
        self._listen_rows.append(self.rows + np.flatnonzero(listens))
        self.rows += len(some.users)
        self._in_slice.append(some.users)
        if self.rows % EVENTS_A_SLICE == 0:
            self.finish()
        return places[0]

    def finish(self) -> None:
        """Makes the lists for `coverage`, after a slice or after the last events."""
        users = np.concatenate([np.zeros(0, np.int32), *self._in_slice])[::-1]
        last = np.array(list(dict.fromkeys(users.tolist()))[:LISTS_A_SLICE], np.int32)
        self._in_slice = []
        for each in self.contestants:
            each.list_for(last)

    def met(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
        """Users, items and times (ms) of all LISTENs so far, [n] each."""
        kinds = (np.int32, np.int32, np.int64)
        none = tuple(np.zeros(0, kind) for kind in kinds)
        users, items, at_ms = (np.concatenate(each) for each in zip(none, *self._met, strict=True))
        self._met = [(users, items, at_ms)]
        return users, items, at_ms

    def listen_rows(self) -> NDArray[np.int64]:
        """The number of each LISTEN among all events so far (0-based), [n]."""
        return np.concatenate([np.zeros(0, np.int64), *self._listen_rows])


def _share_ids(first: Ranker, other: Ranker) -> None:
    other.users, other.items, other.groups = first.users, first.items, first.groups
