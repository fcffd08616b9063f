"""Diversification of lists: fewer tracks of one artist, more tracks that are new to the listener.

It is applied after ranking, when lists are made, and affects neither learning nor evaluation.
It is off by default. The same ranking always gives the same list.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from online_models.base import Ranker

DEPTH = 4
"""Number of tracks that are ranked for one list, as a multiple of its length."""
DEPTH_MAX = 200
"""Maximum number of tracks that are ranked for one list, unless the list itself is longer."""
Lists = tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.uint8]]


@dataclass(frozen=True)
class ListShape:
    """Limits of a list: at most `k` tracks, at most `artist_max` (0: any number) of one artist."""

    k: int
    artist_max: int = 0
    new_share_min: float = 0.0
    """Minimum share of tracks that the listener has not played, if enough of them are ranked."""

    def ranked(self, ranker: Ranker, listeners: NDArray[np.int32]) -> Lists:
        """Lists for `listeners` in the form of `Ranker.recommend_many`; limits may shorten them."""
        if self.artist_max == 0 and self.new_share_min == 0.0:
            return ranker.recommend_many(listeners, self.k)
        ranked: Lists = ranker.recommend_many(
            listeners, max(self.k, min(DEPTH * self.k, DEPTH_MAX))
        )
        shaped: Any = [np.zeros((len(listeners), self.k), each.dtype) for each in ranked]
        shaped[0][:] = -1
        for row, listener in enumerate(listeners.tolist()):
            items = ranked[0][row]
            kept = self._places(ranker, listener, items[items >= 0])
            for column in range(3):
                shaped[column][row, : len(kept)] = ranked[column][row, kept]
        return shaped[0], shaped[1], shaped[2]

    def _places(self, ranker: Ranker, listener: int, items: NDArray[np.int32]) -> list[int]:
        """Indices into `items` (best first) of the tracks of the list, in order."""
        places = list(self._of_artists(ranker.groups_of(items).tolist()))
        return self._with_new(places, np.isin(items, ranker.plays_of(listener)).tolist())

    def _of_artists(self, artists: list[int]) -> Iterator[int]:
        taken: Counter[int] = Counter()
        for place, artist in enumerate(artists):
            taken[artist] += 1
            if artist < 0 or not self.artist_max or taken[artist] <= self.artist_max:
                yield place

    def _with_new(self, places: list[int], is_known: list[bool]) -> list[int]:
        known = [place for place in places if is_known[place]]
        new = [place for place in places if not is_known[place]]
        wanted = min(ceil(self.new_share_min * self.k), len(new))
        return sorted([*known[: self.k - wanted], *new])[: self.k]


class ShapeSettings(Protocol):
    """The settings that limit lists."""

    @property
    def list_length(self) -> int:
        """Maximum number of tracks in a list."""

    @property
    def artist_max(self) -> int:
        """Maximum number of tracks of one artist; 0: any number."""

    @property
    def new_share_min(self) -> float:
        """Minimum share of tracks that are new to the listener."""


def shape_of(settings: ShapeSettings) -> ListShape:
    """The limits that the settings require."""
    return ListShape(settings.list_length, settings.artist_max, settings.new_share_min)
