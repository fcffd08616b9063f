"""The co-occurrence expert: what is played in the same sessions, in any order.

Item-to-item neighbourhoods (Linden, Smith & York 2003) learnt incrementally: each play is paired
in both directions with the last few plays, nearer ones weighing more. With how many of the last
plays a track goes says more than how well it goes with them in sum; and asking it the other way
round, whether they are among its company, keeps what goes with everything down.
"""

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates.candidate_sums import (
    add_to,
    clear_sums,
    is_among,
    largest,
    worst_of_best,
)
from online_models.blend.candidates.candidates import admit, slot_for
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
from online_models.kernels.fading_rows import add, row_of
from online_models.kernels.numerics import log_of, logs_below

WIDTH = 62
NEIGHBOURS = row_of(WIDTH)
"""The record of a track, 508 bytes: with it all that is kept of a track stays below 1 KiB."""
FADING = 0.998
GAP_MAX_S = 3600
"""A longer gap ends what goes together."""
PLAYS_READ = 8
DOUBT = 2.0
"""Plays of doubt: a candidate's company is believed as it has had more."""
COMPANY_MAX = 6
SOURCE = constant(8)
_LOGS = logs_below(PLAYS_READ + 2)
_LIFT = 6.91
"""-ln(.001): lifts the smallest to 0."""


@njit_inner
def pair(cooccurrence: NDArray[Any], one: int, other: int, gain: float) -> None:
    """The two tracks were played together."""
    if one != other:
        add(cooccurrence[one], other, gain, FADING)
        add(cooccurrence[other], one, gain, FADING)


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
        pair(cooccurrence, recent.tracks[k], track, gain / sqrt(k + 1.0))


@njit_inner
def sum_up_neighbours(
    sums: Any, place_of: NDArray[np.int32], cooccurrence: NDArray[Any], recent: Any
) -> None:
    """Sums of how much each track goes with the last plays."""
    for k in range(min(recent.held, PLAYS_READ)):
        row = cooccurrence[recent.tracks[k]]
        if row.held == 0:
            continue
        unit = np.float64(row.unit)
        norm = 1.0 / (unit * (k + 1.0) * sqrt(np.float64(row.sum) / unit + 1.0))
        for at in range(row.held):
            add_to(sums, place_of, row.items[at], row.weights[at] * norm)


@njit_inner
def propose_best(
    candidates: Any, slot_of: NDArray[np.int32], sums: Any, n: int, source: int
) -> None:
    """Proposes the best `n`."""
    worst = worst_of_best(sums, n)
    for place in range(sums.held):
        if is_among(sums, place, worst):
            admit(candidates, slot_of, sums.codes[place], source)


@njit_inner
def log_level(value: float) -> float:
    """ln, lifted so that nothing is 0."""
    return log_of(0.001 + value) + _LIFT


@njit_inner
def describe_neighbours(candidates: Any, slot_of: NDArray[np.int32], sums: Any) -> None:
    """Describes every candidate that has a sum; after all were proposed."""
    best = largest(sums)
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
    """Describes the candidates that go with the plays before those that `sums` are over."""
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
def _describe_company(
    candidates: Any, slot: int, played: NDArray[np.int32], row: Any, company: int
) -> None:
    met, value = 0, 0.0
    for at in range(min(row.held, company)):
        k = played[row.items[at]]
        if k > 0:
            met += 1
            value += row.weights[at] / np.float64(k)
    if met > 0:
        total = np.float64(row.sum) + DOUBT * np.float64(row.unit)
        candidates.features[COMPANY, slot] = log_level(value / total)
        candidates.features[COMPANY_SUPPORT, slot] = _LOGS[1 + met]
        candidates.traits[slot, COMPANY_COUNT] = min(met, COMPANY_MAX)


@njit_inner
def describe_company(
    candidates: Any,
    played: NDArray[np.int32],
    cooccurrence: NDArray[Any],
    recent: Any,
    company: int,
) -> None:
    """Describes the candidates that go with the last plays, and have them in their `company`.

    `played`, int32[tracks]: room to work in, zeros before and after.
    """
    reads = min(recent.held, PLAYS_READ)
    for k in range(reads - 1, -1, -1):
        played[recent.tracks[k]] = k + 1
    for slot in range(candidates.held):
        if candidates.traits[slot, WIDE_COUNT] > 0:
            row = cooccurrence[candidates.items[slot]]
            _describe_company(candidates, slot, played, row, company)
    for k in range(reads):
        played[recent.tracks[k]] = 0


@njit_inlined
def propose(blend: Any) -> None:
    """See `experts`: what goes best with the last plays."""
    scratch, wide = blend.scratch[0], blend.knobs[0].wide
    if wide > 0:
        sum_up_neighbours(scratch.wide, blend.wide_of, blend.cooccurrence, scratch.recent)
        propose_best(scratch.candidates, blend.slot_of, scratch.wide, wide, SOURCE)


@njit_inlined
def describe(blend: Any) -> None:
    """See `experts`."""
    scratch, knobs, its = blend.scratch[0], blend.knobs[0], blend.cooccurrence
    candidates, recent = scratch.candidates, scratch.recent
    if knobs.wide > 0:
        describe_neighbours(candidates, blend.slot_of, scratch.wide)
        clear_sums(scratch.wide, blend.wide_of)
    if knobs.older > 0:
        describe_older(candidates, blend.slot_of, its, recent, knobs.older)
    if knobs.company > 0:
        describe_company(candidates, blend.wide_of, its, recent, knobs.company)


@njit_inlined
def learn(blend: Any, row: Any, gain: float) -> None:
    """See `experts`."""
    window, recent, at_s = blend.knobs[0].window, blend.scratch[0].recent, row.at_ms // 1000
    if window > 0:
        learn_cooccurrence(blend.cooccurrence, recent, row.item, at_s, gain, window)


@njit_inlined
def learn_late(blend: Any, before: int, track: int, gain: float) -> None:
    """See `experts`."""
    if blend.knobs[0].window > 0:
        pair(blend.cooccurrence, before, track, gain)
