"""The popularity expert: what everybody plays now, by counts that fade with every play."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.candidates import Candidates, propose
from online_models.compiled import njit_cached
from online_models.contexts import NOTHING
from online_models.features import POPULAR, POPULAR_SHARE
from online_models.numerics import log_of

CHART_MAX = 40
GROWTH = 1.00005
"""Each play counts this much more than the one before: counts fade by e over 20,000 plays."""
SCALE_MAX = 2.0**30
COUNTED_MAX = 30.0
"""The logarithm tells no more of tracks above this."""
HALF_KNOWN = 10.0
"""Plays (faded) at which the share is one half."""
SOURCE = 256


class Popularity(NamedTuple):
    """One row a track, 4 bytes."""

    counts: NDArray[np.float32]
    """In units of the chart's `scale`."""


class Chart(NamedTuple):
    """The most popular tracks, exactly: all counts fade alike, so only a play changes the order."""

    tracks: NDArray[np.int32]
    """[CHART_MAX], best first, equals by smaller code; NOTHING where there are not so many."""
    scale: NDArray[np.float64]
    """[1]"""


def no_popularity(tracks: int) -> Popularity:
    """Counts of `tracks` that nobody has played."""
    return Popularity(np.zeros(tracks, np.float32))


def empty_chart() -> Chart:
    """The chart before the first play."""
    return Chart(np.full(CHART_MAX, NOTHING, np.int32), np.ones(1, np.float64))


@njit_cached
def is_more_popular(popularity: Popularity, track: int, other: int) -> bool:
    """Whether `track` stands before `other`, which may be NOTHING."""
    if other == NOTHING:
        return True
    mine, theirs = popularity.counts[track], popularity.counts[other]
    return mine > theirs or (mine == theirs and track < other)


@njit_cached
def place_in_chart(popularity: Popularity, tracks: NDArray[np.int32], track: int) -> None:
    """Moves `track` up to where it belongs; the last one leaves if it was not there."""
    last = len(tracks) - 1
    place = last
    while place > 0 and tracks[place] != track:
        place -= 1
    if tracks[place] != track:
        if not is_more_popular(popularity, track, tracks[last]):
            return
        place = last
    while place > 0 and is_more_popular(popularity, track, tracks[place - 1]):
        tracks[place] = tracks[place - 1]
        place -= 1
    tracks[place] = track


@njit_cached
def count(popularity: Popularity, chart: Chart, track: int, gain: float) -> None:
    """`track` was played by somebody."""
    chart.scale[0] *= GROWTH
    popularity.counts[track] += gain * chart.scale[0]
    place_in_chart(popularity, chart.tracks, track)


@njit_cached
def propose_chart(candidates: Candidates, chart: Chart) -> None:
    """Proposes the most popular tracks, best first."""
    for track in chart.tracks:
        if track != NOTHING:
            propose(candidates, track, SOURCE)


@njit_cached
def describe_popular(candidates: Candidates, popularity: Popularity, chart: Chart) -> None:
    """Describes every candidate; after all were proposed."""
    for slot in range(candidates.held[0]):
        played = popularity.counts[candidates.items[slot]] / chart.scale[0]
        candidates.features[POPULAR, slot] = log_of(min(COUNTED_MAX, 1.0 + played))
        candidates.features[POPULAR_SHARE, slot] = played / (played + HALF_KNOWN)
