"""The popularity expert: what everybody plays now, by counts that fade with every play."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.candidates import POPULAR, Candidates, propose
from online_models.compiled import njit_cached
from online_models.contexts import NOTHING

CHART_MAX = 40
GROWTH = 1.00005
"""Each play counts this much more than the one before: counts fade by e over 20,000 plays."""
SCALE_MAX = 2.0**30
HALF_KNOWN = 10.0
"""Plays (faded) at which a track's popularity counts half of what it can."""


class Popularity(NamedTuple):
    """One row a track, 8 bytes."""

    counts: NDArray[np.float64]
    """In units of the chart's `scale`."""


class Chart(NamedTuple):
    """The most popular tracks, exactly: all counts fade alike, so only a play changes the order."""

    tracks: NDArray[np.int32]
    """[CHART_MAX], best first, equals by smaller code; NOTHING where there are not so many."""
    scale: NDArray[np.float64]
    """[1]"""


def no_popularity(tracks: int) -> Popularity:
    """Counts of `tracks` that nobody has played."""
    return Popularity(np.zeros(tracks, np.float64))


def empty_chart() -> Chart:
    """The chart before the first play."""
    return Chart(np.full(CHART_MAX, NOTHING, np.int32), np.ones(1, np.float64))


@njit_cached
def _beats(popularity: Popularity, track: int, other: int) -> bool:
    if other == NOTHING:
        return True
    mine, theirs = popularity.counts[track], popularity.counts[other]
    return mine > theirs or (mine == theirs and track < other)


@njit_cached
def _place(popularity: Popularity, chart: Chart, track: int) -> None:
    """Moves `track` up to where it belongs; the last one leaves if it was not there."""
    tracks = chart.tracks
    place = CHART_MAX - 1
    while place > 0 and tracks[place] != track:
        place -= 1
    if tracks[place] != track:
        if not _beats(popularity, track, tracks[CHART_MAX - 1]):
            return
        place = CHART_MAX - 1
    while place > 0 and _beats(popularity, track, tracks[place - 1]):
        tracks[place] = tracks[place - 1]
        place -= 1
    tracks[place] = track


@njit_cached
def count(popularity: Popularity, chart: Chart, track: int, gain: float) -> None:
    """`track` was played by somebody."""
    chart.scale[0] *= GROWTH
    popularity.counts[track] += gain * chart.scale[0]
    _place(popularity, chart, track)
    if chart.scale[0] > SCALE_MAX:
        popularity.counts[:] /= SCALE_MAX  # a power of two: exact, no order can change
        chart.scale[0] /= SCALE_MAX


@njit_cached
def propose_chart(candidates: Candidates, chart: Chart) -> None:
    """Adds the most popular tracks, best first."""
    for track in chart.tracks:
        if track != NOTHING:
            propose(candidates, track)


@njit_cached
def score_popular(
    candidates: Candidates, popularity: Popularity, chart: Chart, weight: float
) -> None:
    """Adds weight·n / (n + HALF_KNOWN) to every candidate that was played n times."""
    for slot in range(candidates.held[0]):
        played = popularity.counts[candidates.items[slot]] / chart.scale[0]
        candidates.parts[slot, POPULAR] = weight * (played / (played + HALF_KNOWN))
