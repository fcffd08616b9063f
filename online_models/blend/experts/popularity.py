"""The popularity expert: the tracks that all listeners play now.

Each play of any track weighs `GROWTH` times as much as the play before it, so that counts decay
exponentially, by a factor of e in 20,000 plays. With a track's decayed count n:

    POPULAR = ln(min(30, 1 + n));  POPULAR_SHARE = n / (n + 10)

It is the fallback for listeners without plays (cold start).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates.candidate_set import add_candidate
from online_models.blend.candidates.features import POPULAR, POPULAR_SHARE
from online_models.kernels.compiled import constant, njit_inlined, njit_inner
from online_models.kernels.numerics import log_of

CHART_MAX = 40
"""Length of the chart, all of which is proposed."""
GROWTH = 1.00005
"""The factor by which a play weighs more than the play before it."""
SCALE_MAX = 2.0**30
COUNT_MAX = 30.0
"""Upper bound of the argument of the logarithm in POPULAR."""
HALF_SHARE_PLAYS = 10.0
"""Number of decayed plays at which POPULAR_SHARE is one half."""
SOURCE = constant(256)


TRACK = np.dtype([("count", "<f4"), ("artist", "<i4")], align=True)
"""One per track, 8 bytes: plays times the chart's `scale`; 1 + code of the artist, or 0."""
CHART = np.dtype(
    [
        ("scale", "<f8"),  # the weight of a play now; 0 before the first play
        ("held", "<i8"),
        ("tracks", "<i4", (CHART_MAX,)),  # most popular first, ties by smaller code
    ],
    align=True,
)
"""The most popular tracks. The chart is exact: all counts decay alike, so only plays reorder it."""


@njit_inner
def is_more_popular(tracks: NDArray[Any], track: int, other: int) -> bool:
    """Whether `track` is before `other` in the chart."""
    mine, theirs = tracks[track].count, tracks[other].count
    return mine > theirs or (mine == theirs and track < other)


@njit_inner
def _place_of(chart: Any, track: int) -> int:
    """The place of `track`; the place where it may enter if it is not in the chart."""
    for place in range(chart.held):
        if chart.tracks[place] == track:
            return place
    return min(int(chart.held), len(chart.tracks) - 1)


@njit_inner
def place_in_chart(tracks: NDArray[Any], chart: Any, track: int) -> None:
    """Moves `track`, whose count has grown, to its place; a new track may replace the last one."""
    place = _place_of(chart, track)
    if place == chart.held:
        chart.held += 1
    elif chart.tracks[place] != track and not is_more_popular(tracks, track, chart.tracks[place]):
        return
    while place > 0 and is_more_popular(tracks, track, chart.tracks[place - 1]):
        chart.tracks[place] = chart.tracks[place - 1]
        place -= 1
    chart.tracks[place] = track


@njit_inner
def scale_of(chart: Any) -> float:
    """The weight of a play now."""
    return chart.scale if chart.scale > 0.0 else 1.0


@njit_inner
def count_track(tracks: NDArray[Any], chart: Any, track: int, gain: float) -> None:
    """Counts a play of `track` by any listener; `gain`: its weight in [0, 1]."""
    chart.scale = scale_of(chart) * GROWTH
    tracks[track].count += gain * scale_of(chart)
    place_in_chart(tracks, chart, track)


@njit_inner
def propose_chart(candidates: Any, slot_of: NDArray[np.int32], chart: Any) -> None:
    """Proposes the chart, most popular first."""
    for place in range(chart.held):
        add_candidate(candidates, slot_of, chart.tracks[place], SOURCE)


@njit_inner
def describe_popular(candidates: Any, tracks: NDArray[Any], chart: Any) -> None:
    """Computes features of every candidate; called after all are proposed."""
    scale = scale_of(chart)
    for slot in range(candidates.held):
        played = tracks[candidates.items[slot]].count / scale
        candidates.features[POPULAR, slot] = log_of(min(COUNT_MAX, 1.0 + played))
        candidates.features[POPULAR_SHARE, slot] = played / (played + HALF_SHARE_PLAYS)


@njit_inlined
def propose(blend: Any) -> None:
    """See `roster`: the most popular tracks."""
    propose_chart(blend.scratch[0].candidates, blend.slot_of, blend.shared[0].chart)


@njit_inlined
def describe(blend: Any) -> None:
    """See `roster`."""
    describe_popular(blend.scratch[0].candidates, blend.tracks, blend.shared[0].chart)


@njit_inlined
def count(blend: Any, track: int, gain: float) -> None:
    """See `roster`."""
    count_track(blend.tracks, blend.shared[0].chart, track, gain)


@njit_inner
def rescale(tracks: NDArray[Any], artists: NDArray[Any], chart: Any) -> None:
    """Divides all counts by a power of two before they overflow, which is exact."""
    if chart.scale > SCALE_MAX:
        for track in range(len(tracks)):
            tracks[track].count /= SCALE_MAX
        for artist in range(len(artists)):
            artists[artist].count /= SCALE_MAX
        chart.scale /= SCALE_MAX
