"""What everybody plays now: the chart as candidates, and how popular each candidate is."""

from online_models.arithmetic import ln
from online_models.blend.candidates import Candidates, propose
from online_models.blend.features import FROM_CHART, POPULAR
from online_models.compiled import njit_cached
from online_models.contexts import NOTHING
from online_models.popularity import Chart, Popularity

PLAYS_MAX = 30.0
"""More plays than this (faded) make a track no more popular."""


@njit_cached
def propose_popular(candidates: Candidates, chart: Chart) -> None:
    """Adds the most popular tracks, best first."""
    for track in chart.tracks:
        if track != NOTHING:
            propose(candidates, track, FROM_CHART)


@njit_cached
def describe_popularity(candidates: Candidates, popularity: Popularity, chart: Chart) -> None:
    """Logarithm of how often each candidate was played of late, by everybody."""
    for slot in range(candidates.held[0]):
        played = popularity.counts[candidates.items[slot]] / chart.scale[0]
        candidates.features[POPULAR, slot] = ln(min(PLAYS_MAX, 1.0 + played))
