"""The transition expert: what is played after a track.

A first-order Markov chain (Rendle et al. 2010), with the longer steps of sequential rules (Ludewig
& Jannach 2018). Each track a has counts w(a, b) of the tracks b that were played one to three steps
later in the same session; s steps count 1 / s², and a transition across a session break counts
`ACROSS_BREAK`. Counts decay by `DECAY` with each play right after a. For a candidate b:

    T1, T2, T3 = ln(.0001 + w(a, b) / (sum of w(a, ·) + 2)) + 9.21

for a = the last track, and the second and third last. FOLLOWS is 1 if b is in the last track's row.
A row takes 268 bytes per track.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates.candidate_set import add_candidate
from online_models.blend.candidates.features import COUNT_T, COUNT_T2, FOLLOWS, SLOT_T, T1
from online_models.blend.listener.session_contexts import BREAK_MS, NO_CODE
from online_models.blend.listener.situations import MASS_T
from online_models.kernels.buckets import COUNT_CUTS, MASS_CUTS, SLOTS, bucket_of
from online_models.kernels.compiled import constant, njit_inlined, njit_inner
from online_models.kernels.decaying_rows import add_to_row, mass_of, row_dtype
from online_models.kernels.numerics import log_of

FOLLOWERS = row_dtype(32)
"""The transitions from a track: its followers and their counts."""
DECAY = 0.98
ACROSS_BREAK = 0.3
"""The weight of a transition across a session break; one within a session has weight 1."""
SHRINKAGE = 2.0
"""Pseudo-plays that shrink the shares of tracks with few transitions."""
SOURCE = constant(1)
SOURCE_OLDER = constant(2)
SHARE_FLOOR, LOG_OF_FLOOR = 1e-4, 9.21


@njit_inner
def log_share(weight: float, total: float) -> float:
    """ln(.0001 + weight / total) + 9.21, which is 0 for the weight 0."""
    return log_of(SHARE_FLOOR + weight / total) + LOG_OF_FLOOR


@njit_inner
def add_transition(transitions: NDArray[Any], before: int, track: int, gain: float) -> None:
    """Counts a transition from `before` to `track`, with weight `gain`."""
    add_to_row(transitions[before], track, gain, DECAY)


@njit_inner
def learn_transitions(
    transitions: NDArray[Any], context: Any, track: int, at_ms: int, gain: float, steps: int
) -> None:
    """Counts the transitions to `track` from the last `steps` tracks of the session context."""
    if context.last[0] == 0:
        return
    if at_ms - context.newest_ms > BREAK_MS:
        add_transition(transitions, context.last[0] - 1, track, gain * ACROSS_BREAK)
        return
    for step in range(min(int(context.linked), steps)):
        fading = DECAY if step == 0 else 1.0
        gained = gain / ((step + 1.0) * (step + 1.0))
        add_to_row(transitions[context.last[step] - 1], track, gained, fading)


@njit_inner
def propose_followers(
    candidates: Any, slot_of: NDArray[np.int32], followers: Any, step: int
) -> None:
    """Proposes all `followers` of the track played `step` tracks ago, and writes their features."""
    unit = np.float64(followers.unit)
    total = np.float64(followers.sum) + SHRINKAGE * unit
    source = SOURCE if step == 0 else SOURCE_OLDER
    for at in range(followers.held):
        slot = add_candidate(candidates, slot_of, followers.items[at], source)
        if slot < 0:
            return
        weight = np.float64(followers.weights[at])
        candidates.features[T1 + step, slot] = log_share(weight, total)
        if step == 0:
            candidates.features[FOLLOWS, slot] = 1.0
            candidates.traits[slot, SLOT_T] = SLOTS[at]
            candidates.traits[slot, COUNT_T] = bucket_of(COUNT_CUTS, weight / unit)
        elif step == 1:
            candidates.traits[slot, COUNT_T2] = bucket_of(COUNT_CUTS, weight / unit)


@njit_inlined
def propose(blend: Any) -> None:
    """See `roster`: the followers of the last tracks."""
    scratch = blend.scratch[0]
    for step in range(blend.knobs[0].steps):
        track = scratch.last[step]
        if track != NO_CODE:
            followers = blend.transitions[track]
            propose_followers(scratch.candidates, blend.slot_of, followers, step)
            if step == 0:
                scratch.facts[MASS_T] = bucket_of(MASS_CUTS, mass_of(followers))


@njit_inlined
def learn(blend: Any, row: Any, gain: float) -> None:
    """See `roster`."""
    context, steps = blend.contexts[row.user], blend.knobs[0].steps
    if steps > 0:
        learn_transitions(blend.transitions, context, row.item, row.at_ms, gain, steps)


@njit_inlined
def learn_late(blend: Any, before: int, track: int, gain: float) -> None:
    """See `roster`."""
    if blend.knobs[0].steps > 0:
        add_transition(blend.transitions, before, track, gain)
