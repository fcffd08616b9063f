"""The popularity expert: what everybody plays now, by counts that fade with every play."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates.candidates import admit
from online_models.blend.candidates.features import POPULAR, POPULAR_SHARE
from online_models.kernels.compiled import constant, njit_inlined, njit_inner
from online_models.kernels.numerics import log_of

CHART_MAX = 40
GROWTH = 1.00005
"""Each play counts this much more than the one before: counts fade by e over 20,000 plays."""
SCALE_MAX = 2.0**30
COUNTED_MAX = 30.0
"""The logarithm tells no more of tracks above this."""
HALF_KNOWN = 10.0
"""Plays (faded) at which the share is one half."""
SOURCE = constant(256)


TRACK = np.dtype([("count", "<f4"), ("artist", "<i4")], align=True)
"""One a track, 8 bytes: plays in units of the chart's `scale`; 1 + code of the artist, else 0."""
CHART = np.dtype(
    [
        ("scale", "<f8"),  # what a play counts now; 0 before the first
        ("held", "<i8"),
        ("tracks", "<i4", (CHART_MAX,)),  # best first, equals by smaller code
    ],
    align=True,
)
"""The most popular tracks, exactly: all counts fade alike, so only a play changes the order."""


@njit_inner
def is_more_popular(tracks: NDArray[Any], track: int, other: int) -> bool:
    """Whether `track` stands before `other`."""
    mine, theirs = tracks[track].count, tracks[other].count
    return mine > theirs or (mine == theirs and track < other)


@njit_inner
def _place_of(chart: Any, track: int) -> int:
    """Where `track` stands or, if it is new, may come in."""
    for place in range(chart.held):
        if chart.tracks[place] == track:
            return place
    return min(int(chart.held), len(chart.tracks) - 1)


@njit_inner
def place_in_chart(tracks: NDArray[Any], chart: Any, track: int) -> None:
    """Moves `track` up to where it belongs; the last one leaves if it was not there."""
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
    """What a play counts now."""
    return chart.scale if chart.scale > 0.0 else 1.0


@njit_inner
def count_track(tracks: NDArray[Any], chart: Any, track: int, gain: float) -> None:
    """`track` was played by somebody."""
    chart.scale = scale_of(chart) * GROWTH
    tracks[track].count += gain * scale_of(chart)
    place_in_chart(tracks, chart, track)


@njit_inner
def propose_chart(candidates: Any, slot_of: NDArray[np.int32], chart: Any) -> None:
    """Proposes the most popular tracks, best first."""
    for place in range(chart.held):
        admit(candidates, slot_of, chart.tracks[place], SOURCE)


@njit_inner
def describe_popular(candidates: Any, tracks: NDArray[Any], chart: Any) -> None:
    """Describes every candidate; after all were proposed."""
    scale = scale_of(chart)
    for slot in range(candidates.held):
        played = tracks[candidates.items[slot]].count / scale
        candidates.features[POPULAR, slot] = log_of(min(COUNTED_MAX, 1.0 + played))
        candidates.features[POPULAR_SHARE, slot] = played / (played + HALF_KNOWN)


@njit_inlined
def propose(blend: Any) -> None:
    """See `experts`: what is popular now."""
    propose_chart(blend.scratch[0].candidates, blend.slot_of, blend.shared[0].chart)


@njit_inlined
def describe(blend: Any) -> None:
    """See `experts`."""
    describe_popular(blend.scratch[0].candidates, blend.tracks, blend.shared[0].chart)


@njit_inlined
def count(blend: Any, track: int, gain: float) -> None:
    """See `experts`."""
    count_track(blend.tracks, blend.shared[0].chart, track, gain)


@njit_inner
def rescale(tracks: NDArray[Any], artists: NDArray[Any], chart: Any) -> None:
    """Divides all counts by a power of two before they outgrow their room: no order can change."""
    if chart.scale > SCALE_MAX:
        for track in range(len(tracks)):
            tracks[track].count /= SCALE_MAX
        for artist in range(len(artists)):
            artists[artist].count /= SCALE_MAX
        chart.scale /= SCALE_MAX
