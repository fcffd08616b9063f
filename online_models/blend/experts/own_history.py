"""The own-history expert: what a listener plays again (repeat consumption), and what they love.

Recency and frequency predict repeat consumption (Anderson et al. 2014). With a candidate's plays at
the positions k in the history (0 is the newest):

    COUNT = ln(1 + number of its plays);  RECENCY = 6 - ln(2 + smallest k)
    RECENCIES = ln(.01 + sum of 1 / √(k + 1)) + 4.6
    OWN_NEXT = 2 · ln(1 + 4 · sum of 1 / (1 + n)), over the n-th last time (from 0) that it
               followed the last track; OWN_NEXT_2 the same after the last two tracks

NEWEST, LAST_10, LAST_50 and IN_SESSION are 0 or 1, and LOVED is 1 for explicit feedback LOVE.
"""

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates.candidate_set import add_candidate, slot_for
from online_models.blend.candidates.features import (
    AGE,
    COUNT,
    GAP,
    IN_SESSION,
    IS_OWN,
    KIND,
    LAST_10,
    LAST_50,
    LOVED,
    NEWEST,
    NEXT_2,
    OWN_COUNT,
    OWN_NEXT,
    OWN_NEXT_2,
    RECENCIES,
    RECENCY,
)
from online_models.blend.listener.explicit_feedback import ALWAYS_S, read_marks
from online_models.blend.listener.play_rings import RING_MAX
from online_models.blend.listener.session_contexts import UNKNOWN_LISTENER
from online_models.kernels.buckets import AGE_CUTS_S, COUNT_CUTS, GAPS, bucket_of
from online_models.kernels.compiled import constant, njit_inlined, njit_inner
from online_models.kernels.numerics import log_of, logs_below

SOURCE = constant(64)
SOURCE_NEXT = constant(128)
LOVED_PROPOSED = 64
"""Number of loved tracks, the newest ones, that are proposed."""
_LAST_10_PLAYS = 10
_LAST_50_PLAYS = 50
_LOGS = logs_below(RING_MAX + 4)
_ROOTS = np.array([1.0 / sqrt(k + 1.0) for k in range(RING_MAX + 4)])


@njit_inner
def propose_own(
    candidates: Any, slot_of: NDArray[np.int32], recent: Any, track: int, track_2: int, own: int
) -> None:
    """Proposes the last `own` plays, and what followed `track` (after `track_2`) in all plays.

    The n-th last time (from 0) that a track followed counts 1 / (1 + n).
    """
    tracks, held = recent.tracks, recent.held
    for k in range(min(held, own)):
        add_candidate(candidates, slot_of, tracks[k], SOURCE)
    times, times_2 = 0, 0
    for k in range(1, held):
        if tracks[k] != track:
            continue
        slot = add_candidate(candidates, slot_of, tracks[k - 1], SOURCE_NEXT)
        if slot < 0:
            return
        candidates.features[OWN_NEXT, slot] += 1.0 / (1.0 + times)
        times += 1
        if k + 1 < held and tracks[k + 1] == track_2:
            candidates.features[OWN_NEXT_2, slot] += 1.0 / (1.0 + times_2)
            times_2 += 1


@njit_inner
def _times_level(v: float) -> int:
    return 0 if v <= 0.0 else (1 if v <= 1.0 else 2)


@njit_inner
def _describe_first(candidates: Any, slot: int, k: int, in_session: bool, age_s: int) -> None:
    features, traits = candidates.features, candidates.traits
    features[IS_OWN, slot] = 1.0
    features[RECENCY, slot] = 6.0 - _LOGS[k + 2]
    features[NEWEST, slot] = k < 1
    features[LAST_10, slot] = k < _LAST_10_PLAYS
    features[LAST_50, slot] = k < _LAST_50_PLAYS
    features[IN_SESSION, slot] = in_session
    traits[slot, GAP] = GAPS[k]
    traits[slot, KIND] = 1 if in_session else 2
    traits[slot, AGE] = 1 + bucket_of(AGE_CUTS_S, np.float64(age_s))


@njit_inner
def describe_own(candidates: Any, slot_of: NDArray[np.int32], recent: Any) -> None:
    """Computes features of candidates that the listener has played; after all are proposed."""
    features, traits = candidates.features, candidates.traits
    for k in range(recent.held):
        slot = slot_for(slot_of, recent.tracks[k])
        if slot < 0:
            continue
        if traits[slot, GAP] == 0:
            age_s = recent.at_s[0] - recent.at_s[k]
            _describe_first(candidates, slot, k, k < recent.session, age_s)
        features[COUNT, slot] += 1.0
        features[RECENCIES, slot] += _ROOTS[k]
    for slot in range(candidates.held):
        if traits[slot, GAP] > 0:
            _finish(candidates, slot)


@njit_inner
def _finish(candidates: Any, slot: int) -> None:
    features, traits = candidates.features, candidates.traits
    count = features[COUNT, slot]
    traits[slot, OWN_COUNT] = bucket_of(COUNT_CUTS, count)
    features[COUNT, slot] = _LOGS[1 + int(count)]
    features[RECENCIES, slot] = log_of(0.01 + features[RECENCIES, slot]) + 4.6
    v, v_2 = features[OWN_NEXT, slot], features[OWN_NEXT_2, slot]
    if v > 0.0:
        features[OWN_NEXT, slot] = 2.0 * log_of(1.0 + 4.0 * v)
        traits[slot, KIND] += 2 * _times_level(v)
    if v_2 > 0.0:
        features[OWN_NEXT_2, slot] = 2.0 * log_of(1.0 + 4.0 * v_2)
        traits[slot, NEXT_2] = _times_level(v_2)


@njit_inlined
def propose(blend: Any) -> None:
    """See `roster`: the listener's last plays, and what they played after the last track."""
    scratch, own = blend.scratch[0], blend.knobs[0].own
    last, recent = scratch.last, scratch.recent
    if own > 0:
        propose_own(scratch.candidates, blend.slot_of, recent, last[0], last[1], own)


@njit_inlined
def propose_loved(blend: Any) -> None:
    """Proposes the tracks loved last; sets the feature LOVED of every loved candidate."""
    scratch, slot_of, listener = blend.scratch[0], blend.slot_of, blend.scratch[0].listener
    if listener != UNKNOWN_LISTENER and blend.knobs[0].own > 0:
        loved = read_marks(blend.loved[listener], blend.blocks, scratch.marks, ALWAYS_S)
        for at in range(max(loved - LOVED_PROPOSED, 0), loved):
            add_candidate(scratch.candidates, slot_of, scratch.marks[at], SOURCE)
        for at in range(loved):
            slot = slot_for(slot_of, scratch.marks[at])
            if slot >= 0:
                scratch.candidates.features[LOVED, slot] = 1.0


@njit_inlined
def describe(blend: Any) -> None:
    """See `roster`."""
    scratch = blend.scratch[0]
    if blend.knobs[0].own > 0:
        describe_own(scratch.candidates, blend.slot_of, scratch.recent)
