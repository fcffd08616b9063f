"""The transition expert: what is played after a track.

Each track has a row of the tracks that were played one to three steps later in the same session,
nearer ones weighing more; a first-order Markov chain (Rendle et al. 2010), with the longer steps
of sequential rules (Ludewig & Jannach 2018), whose memory fades. 268 bytes a track.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates.candidates import admit
from online_models.blend.candidates.features import COUNT_T, COUNT_T2, FOLLOWS, SLOT_T, T1
from online_models.blend.listener.contexts import BREAK_MS, NOTHING
from online_models.blend.listener.situations import MASS_T
from online_models.kernels.buckets import COUNT_CUTS, MASS_CUTS, SLOTS, bucket_of
from online_models.kernels.compiled import constant, njit_inlined, njit_inner
from online_models.kernels.fading_rows import add, mass_of, row_of
from online_models.kernels.numerics import log_of

FOLLOWERS = row_of(32)
"""The record of a track."""
FADING = 0.98
ACROSS_BREAK = 0.3
"""What a transition across a break counts, where one within a session counts 1."""
DOUBT = 2.0
"""Plays of doubt: a track's followers are believed as it has been followed more often."""
SOURCE = constant(1)
SOURCE_OLDER = constant(2)
SMALLEST_SHARE, ITS_LOG = 1e-4, 9.21


@njit_inner
def log_share(weight: float, total: float) -> float:
    """ln of a share, lifted so that no share at all is 0."""
    return log_of(SMALLEST_SHARE + weight / total) + ITS_LOG


@njit_inner
def follow(transitions: NDArray[Any], before: int, track: int, gain: float) -> None:
    """`track` came right after `before`."""
    add(transitions[before], track, gain, FADING)


@njit_inner
def learn_transitions(
    transitions: NDArray[Any], context: Any, track: int, at_ms: int, gain: float, steps: int
) -> None:
    """The listener plays `track` after the last `steps` of the session, or after a break."""
    if context.last[0] == 0:
        return
    if at_ms - context.newest_ms > BREAK_MS:
        follow(transitions, context.last[0] - 1, track, gain * ACROSS_BREAK)
        return
    for step in range(min(int(context.linked), steps)):
        fading = FADING if step == 0 else 1.0
        gained = gain / ((step + 1.0) * (step + 1.0))
        add(transitions[context.last[step] - 1], track, gained, fading)


@njit_inner
def propose_followers(
    candidates: Any, slot_of: NDArray[np.int32], followers: Any, step: int
) -> None:
    """Proposes and describes all `followers` of the track that was played `step` tracks ago."""
    unit = np.float64(followers.unit)
    total = np.float64(followers.sum) + DOUBT * unit
    source = SOURCE if step == 0 else SOURCE_OLDER
    for at in range(followers.held):
        slot = admit(candidates, slot_of, followers.items[at], source)
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
    """See `experts`: followers of the last tracks."""
    scratch = blend.scratch[0]
    for step in range(blend.knobs[0].steps):
        track = scratch.last[step]
        if track != NOTHING:
            followers = blend.transitions[track]
            propose_followers(scratch.candidates, blend.slot_of, followers, step)
            if step == 0:
                scratch.facts[MASS_T] = bucket_of(MASS_CUTS, mass_of(followers))


@njit_inlined
def learn(blend: Any, row: Any, gain: float) -> None:
    """See `experts`."""
    context, steps = blend.contexts[row.user], blend.knobs[0].steps
    if steps > 0:
        learn_transitions(blend.transitions, context, row.item, row.at_ms, gain, steps)


@njit_inlined
def learn_late(blend: Any, before: int, track: int, gain: float) -> None:
    """See `experts`."""
    if blend.knobs[0].steps > 0:
        follow(blend.transitions, before, track, gain)
