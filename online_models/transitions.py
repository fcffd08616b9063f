"""The transition expert: what is played after a track.

Each track has a row of the tracks that were played one to three steps later in the same session,
nearer ones weighing more; a first-order Markov chain (Rendle et al. 2010; Ludewig & Jannach 2018
call it SR, sequential rules) whose memory fades.
"""

import numpy as np

from online_models.buckets import COUNT_CUTS, SLOTS, bucket_of
from online_models.candidates import Candidates, propose
from online_models.compiled import njit_cached
from online_models.contexts import BREAK_MS, NOTHING, Contexts
from online_models.features import COUNT_T, COUNT_T2, FOLLOWS, SLOT_T, T1
from online_models.numerics import log_of
from online_models.rows import Rows, add

FOLLOWERS_MAX = 32
FADING = 0.95
ACROSS_BREAK = 0.3
"""What a transition across a break counts, where one within a session counts 1."""
DOUBT = 2.0
SOURCE = 1
SOURCE_OLDER = 2
SMALLEST_SHARE, ITS_LOG = 1e-4, 9.21


@njit_cached
def log_share(weight: float, total: float) -> float:
    """ln of a share, lifted so that no share at all is 0."""
    return log_of(SMALLEST_SHARE + weight / total) + ITS_LOG


@njit_cached
def follow(rows: Rows, before: int, track: int, gain: float) -> None:
    """`track` came right after `before`."""
    add(rows, before, track, gain, FADING)


@njit_cached
def learn_transitions(
    rows: Rows, contexts: Contexts, listener: int, track: int, at_ms: int, gain: float
) -> None:
    """The listener plays `track` after the last three of the session, or after a break."""
    last = contexts.last
    if last[listener, 0] == NOTHING:
        return
    if at_ms - contexts.newest_ms[listener] > BREAK_MS:
        follow(rows, last[listener, 0], track, gain * ACROSS_BREAK)
        return
    for step in range(contexts.linked[listener]):
        fading = FADING if step == 0 else 1.0
        add(rows, last[listener, step], track, gain / ((step + 1) * (step + 1)), fading)


@njit_cached
def propose_followers(candidates: Candidates, rows: Rows, before: int, step: int) -> None:
    """Proposes and describes all that followed `before`, which was played `step` tracks ago."""
    unit = np.float64(rows.units[before])
    total = np.float64(rows.sums[before]) + DOUBT * unit
    for at in range(rows.held[before]):
        slot = propose(candidates, rows.items[before, at], SOURCE if step == 0 else SOURCE_OLDER)
        if slot < 0:
            return
        weight = np.float64(rows.weights[before, at])
        candidates.features[T1 + step, slot] = log_share(weight, total)
        if step == 0:
            candidates.features[FOLLOWS, slot] = 1.0
            candidates.traits[slot, SLOT_T] = SLOTS[at]
            candidates.traits[slot, COUNT_T] = bucket_of(COUNT_CUTS, weight / unit)
        elif step == 1:
            candidates.traits[slot, COUNT_T2] = bucket_of(COUNT_CUTS, weight / unit)
