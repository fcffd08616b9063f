"""The co-occurrence expert: tracks that are played in the same sessions, in any order.

Item-to-item collaborative filtering (Linden, Smith & York 2003), learnt incrementally. Each play is
paired in both directions with the `window` plays before it, the k-th of which (from 0) counts
1 / √(k + 1). Counts w(a, b) decay by `DECAY` per pair of a. The score of a candidate b is

    v(b) = sum over the last eight plays a_k of w(a_k, b) / ((k + 1) · √(sum of w(a_k, ·) + 1))
    WIDE_RAW = ln(.001 + v(b)) + 6.91;  WIDE = the same of v(b) / (largest v)
    WIDE_SUPPORT = ln(1 + number of the last eight plays with which b co-occurs)

The support, in how many of the last plays' rows a track is, says more than the sum. The feature
COMPANY is the reverse direction: whether the last plays are among the strongest co-occurrences of
the candidate. It demotes tracks that co-occur with everything. See docs/decisions/0008-support.md.
"""

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates.candidate_set import add_candidate, slot_for
from online_models.blend.candidates.candidate_sums import (
    add_to_sum,
    clear_sums,
    is_in_top,
    largest_sum,
    last_of_top,
)
from online_models.blend.candidates.features import (
    COMPANY,
    COMPANY_COUNT,
    COMPANY_SUPPORT,
    WIDE,
    WIDE_COUNT,
    WIDE_LEVEL,
    WIDE_OLDER,
    WIDE_RAW,
    WIDE_SUPPORT,
)
from online_models.kernels.buckets import SHARE_CUTS, bucket_of
from online_models.kernels.compiled import constant, njit_inlined, njit_inner
from online_models.kernels.decaying_rows import add_to_row, row_dtype
from online_models.kernels.numerics import log_of, logs_below

WIDTH = 62
"""Maximum number of co-occurring tracks that are kept per track."""
NEIGHBOURS = row_dtype(WIDTH)
"""The co-occurrence counts of a track, 508 bytes: all records of a track are below 1 KiB."""
DECAY = 0.998
GAP_MAX_S = 3600
"""A gap between plays beyond which they are not paired."""
PLAYS_READ = 8
"""Number of last plays that generate candidates."""
SHRINKAGE = 2.0
"""Pseudo-plays that shrink the reverse shares of candidates with few co-occurrences."""
COMPANY_MAX = 6
"""Largest value of the trait `COMPANY_COUNT`."""
SOURCE = constant(8)
_LOGS = logs_below(PLAYS_READ + 2)
_LIFT = 6.91
"""-ln(.001), so that an amount of 0 has level 0."""


@njit_inner
def add_pair(cooccurrence: NDArray[Any], item: int, other_item: int, gain: float) -> None:
    """Counts a co-occurrence of two tracks, in both directions."""
    if item != other_item:
        add_to_row(cooccurrence[item], other_item, gain, DECAY)
        add_to_row(cooccurrence[other_item], item, gain, DECAY)


@njit_inner
def learn_cooccurrence(
    cooccurrence: NDArray[Any], recent: Any, track: int, at_s: int, gain: float, window: int
) -> None:
    """Pairs `track`, played at `at_s`, with up to `window` plays before it in `recent`."""
    later_s = at_s
    for k in range(min(recent.held, window)):
        if later_s - recent.at_s[k] > GAP_MAX_S:
            return
        later_s = recent.at_s[k]
        add_pair(cooccurrence, recent.tracks[k], track, gain / sqrt(k + 1.0))


@njit_inner
def sum_cooccurrences(
    sums: Any, place_of: NDArray[np.int32], cooccurrence: NDArray[Any], recent: Any
) -> None:
    """Sums, by track, the normalised co-occurrence counts with the last plays."""
    for k in range(min(recent.held, PLAYS_READ)):
        row = cooccurrence[recent.tracks[k]]
        if row.held == 0:
            continue
        unit = np.float64(row.unit)
        norm = 1.0 / (unit * (k + 1.0) * sqrt(np.float64(row.sum) / unit + 1.0))
        for at in range(row.held):
            add_to_sum(sums, place_of, row.items[at], row.weights[at] * norm)


@njit_inner
def propose_best(
    candidates: Any, slot_of: NDArray[np.int32], sums: Any, n: int, source: int
) -> None:
    """Proposes the `n` codes with the largest sums (top-k selection)."""
    worst = last_of_top(sums, n)
    for place in range(sums.held):
        if is_in_top(sums, place, worst):
            add_candidate(candidates, slot_of, sums.codes[place], source)


@njit_inner
def log_level(value: float) -> float:
    """ln(.001 + value) + 6.91, which is 0 for the value 0."""
    return log_of(0.001 + value) + _LIFT


@njit_inner
def describe_cooccurrences(candidates: Any, slot_of: NDArray[np.int32], sums: Any) -> None:
    """Computes features of every candidate with a sum; called after all are proposed."""
    best = largest_sum(sums)
    for place in range(sums.held):
        slot = slot_for(slot_of, sums.codes[place])
        if slot >= 0:
            share = sums.values[place] / best
            candidates.features[WIDE, slot] = log_level(share)
            candidates.features[WIDE_RAW, slot] = log_level(sums.values[place])
            candidates.features[WIDE_SUPPORT, slot] = _LOGS[1 + sums.times[place]]
            candidates.traits[slot, WIDE_LEVEL] = bucket_of(SHARE_CUTS, share)
            candidates.traits[slot, WIDE_COUNT] = sums.times[place]


@njit_inner
def describe_older(
    candidates: Any,
    slot_of: NDArray[np.int32],
    cooccurrence: NDArray[Any],
    recent: Any,
    older: int,
) -> None:
    """Computes a feature of candidates that co-occur with plays before the last `PLAYS_READ`."""
    features = candidates.features
    for k in range(PLAYS_READ, min(recent.held, older)):
        row = cooccurrence[recent.tracks[k]]
        if row.held == 0:
            continue
        unit = np.float64(row.unit)
        norm = 1.0 / (unit * sqrt(np.float64(row.sum) / unit + 1.0))
        for at in range(row.held):
            slot = slot_for(slot_of, row.items[at])
            if slot >= 0:
                features[WIDE_OLDER, slot] += row.weights[at] * norm
    for slot in range(candidates.held):
        if features[WIDE_OLDER, slot] > 0.0:
            features[WIDE_OLDER, slot] = log_level(features[WIDE_OLDER, slot])


@njit_inner
def _describe_reverse(
    candidates: Any, slot: int, played: NDArray[np.int32], row: Any, company: int
) -> None:
    met, value = 0, 0.0
    for at in range(min(row.held, company)):
        k = played[row.items[at]]
        if k > 0:
            met += 1
            value += row.weights[at] / np.float64(k)
    if met > 0:
        total = np.float64(row.sum) + SHRINKAGE * np.float64(row.unit)
        candidates.features[COMPANY, slot] = log_level(value / total)
        candidates.features[COMPANY_SUPPORT, slot] = _LOGS[1 + met]
        candidates.traits[slot, COMPANY_COUNT] = min(met, COMPANY_MAX)


@njit_inner
def describe_reverse(
    candidates: Any,
    played: NDArray[np.int32],
    cooccurrence: NDArray[Any],
    recent: Any,
    company: int,
) -> None:
    """Computes the reverse features: last plays among a candidate's `company` strongest tracks.

    `played`, int32[tracks]: scratch memory, zeros before and after.
    """
    reads = min(recent.held, PLAYS_READ)
    for k in range(reads - 1, -1, -1):
        played[recent.tracks[k]] = k + 1
    for slot in range(candidates.held):
        if candidates.traits[slot, WIDE_COUNT] > 0:
            row = cooccurrence[candidates.items[slot]]
            _describe_reverse(candidates, slot, played, row, company)
    for k in range(reads):
        played[recent.tracks[k]] = 0


@njit_inlined
def propose(blend: Any) -> None:
    """See `roster`: the tracks that co-occur most with the last plays."""
    scratch, wide = blend.scratch[0], blend.knobs[0].wide
    if wide > 0:
        sum_cooccurrences(scratch.wide, blend.wide_of, blend.cooccurrence, scratch.recent)
        propose_best(scratch.candidates, blend.slot_of, scratch.wide, wide, SOURCE)


@njit_inlined
def describe(blend: Any) -> None:
    """See `roster`."""
    scratch, knobs, rows = blend.scratch[0], blend.knobs[0], blend.cooccurrence
    candidates, recent = scratch.candidates, scratch.recent
    if knobs.wide > 0:
        describe_cooccurrences(candidates, blend.slot_of, scratch.wide)
        clear_sums(scratch.wide, blend.wide_of)
    if knobs.older > 0:
        describe_older(candidates, blend.slot_of, rows, recent, knobs.older)
    if knobs.company > 0:
        describe_reverse(candidates, blend.wide_of, rows, recent, knobs.company)


@njit_inlined
def learn(blend: Any, row: Any, gain: float) -> None:
    """See `roster`."""
    window, recent, at_s = blend.knobs[0].window, blend.scratch[0].recent, row.at_ms // 1000
    if window > 0:
        learn_cooccurrence(blend.cooccurrence, recent, row.item, at_s, gain, window)


@njit_inlined
def learn_late(blend: Any, before: int, track: int, gain: float) -> None:
    """See `roster`."""
    if blend.knobs[0].window > 0:
        add_pair(blend.cooccurrence, before, track, gain)
