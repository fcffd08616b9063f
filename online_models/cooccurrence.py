"""The co-occurrence expert: what is played in the same sessions, in any order.

Item-to-item neighbourhoods (Linden, Smith & York 2003) learnt incrementally: each play is paired
in both directions with the last few plays, nearer ones weighing more.
"""

from math import sqrt

import numpy as np

from online_models.buckets import SHARE_CUTS, bucket_of
from online_models.candidates import Candidates, propose
from online_models.compiled import njit_cached
from online_models.features import WIDE, WIDE_LEVEL, WIDE_RAW
from online_models.numerics import log_of
from online_models.plays import Recent
from online_models.rows import Rows, add
from online_models.scores_by_id import Sums, add_to, is_among, worst_of_best

NEIGHBOURS_MAX = 64
FADING = 0.998
GAP_MAX_S = 3600
"""A longer gap ends what goes together."""
PLAYS_READ = 8
ROOM = PLAYS_READ * NEIGHBOURS_MAX
SOURCE = 8
_LIFT = 6.91
"""-ln(.001): lifts the smallest to 0."""


@njit_cached
def pair(rows: Rows, one: int, other: int, gain: float) -> None:
    """The two tracks were played together."""
    if one != other:
        add(rows, one, other, gain, FADING)
        add(rows, other, one, gain, FADING)


@njit_cached
def learn_cooccurrence(
    rows: Rows, recent: Recent, track: int, at_s: int, gain: float, window: int
) -> None:
    """Pairs `track`, played at `at_s`, with up to `window` plays before it in `recent`."""
    later_s = at_s
    for k in range(min(recent.held[0], window)):
        if later_s - recent.at_s[k] > GAP_MAX_S:
            return
        later_s = recent.at_s[k]
        pair(rows, recent.tracks[k], track, gain / sqrt(k + 1.0))


@njit_cached
def sum_up_neighbours(sums: Sums, rows: Rows, recent: Recent) -> None:
    """Sums of how much each track goes with the last plays."""
    for k in range(min(recent.held[0], PLAYS_READ)):
        track = recent.tracks[k]
        if rows.held[track] == 0:
            continue
        unit = np.float64(rows.units[track])
        norm = 1.0 / (unit * (k + 1.0) * sqrt(rows.sums[track] / unit + 1.0))
        for at in range(rows.held[track]):
            add_to(sums, rows.items[track, at], rows.weights[track, at] * norm)


@njit_cached
def propose_best(candidates: Candidates, sums: Sums, n: int, source: int) -> None:
    """Proposes the best `n`."""
    worst = worst_of_best(sums, n)
    for place in range(sums.held[0]):
        if is_among(sums, place, worst):
            propose(candidates, sums.codes[place], source)


@njit_cached
def largest(sums: Sums) -> float:
    """The largest sum."""
    best = 0.0
    for place in range(sums.held[0]):
        best = max(best, sums.values[place])
    return best


@njit_cached
def log_level(value: float) -> float:
    """ln, lifted so that nothing is 0."""
    return log_of(0.001 + value) + _LIFT


@njit_cached
def describe_neighbours(candidates: Candidates, sums: Sums) -> None:
    """Describes every candidate that has a sum; after all were proposed."""
    best = largest(sums)
    for place in range(sums.held[0]):
        slot = candidates.slot_of[sums.codes[place]]
        if slot >= 0:
            share = sums.values[place] / best
            candidates.features[WIDE, slot] = log_level(share)
            candidates.features[WIDE_RAW, slot] = log_level(sums.values[place])
            candidates.traits[slot, WIDE_LEVEL] = bucket_of(SHARE_CUTS, share)
