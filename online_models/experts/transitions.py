"""What is played after a track, by everybody, with a memory that fades.

Method: first-order Markov chain with exponential forgetting (Shani, Heckerman & Brafman 2005),
taught from the last three tracks with falling weight.
"""

import numpy as np

from online_models.arithmetic import ln
from online_models.blend.candidates import Candidates, propose
from online_models.blend.features import (
    COUNT_T,
    COUNT_T2,
    FROM_T1,
    FROM_T2,
    IS_FOLLOWER,
    SLOT_T,
    T1,
)
from online_models.compiled import njit_cached, njit_inlined
from online_models.contexts import BREAK_MS, NOTHING, Contexts
from online_models.experts.fading_rows import FadingRows, add

FOLLOWERS_MAX = 32
FADING = 0.95
ACROSS_BREAK = 0.3
"""What a transition across a break counts, where one within a session counts 1."""
STEPS = 3
PRIOR = 2.0
SMALL = 1e-4
SILENCE = 9.21
"""-ln(SMALL): what is added so that a share of nothing is about 0."""


@njit_inlined
def log_share(weight: float, mass: float) -> float:
    """About 0 for no share, 9.21 for all."""
    return ln(SMALL + weight / mass) + SILENCE


@njit_cached
def teach(
    rows: FadingRows, contexts: Contexts, listener: int, track: int, at_ms: int, gain: float
) -> None:
    """The listener plays `track` after the last tracks of the session, nearer ones more."""
    last = contexts.last[listener]
    if last[0] == NOTHING:
        return
    if at_ms - contexts.newest_ms[listener] > BREAK_MS:
        add(rows, last[0], track, gain * ACROSS_BREAK, FADING)
        return
    for step in range(min(contexts.linked[listener], STEPS)):
        fading = FADING if step == 0 else 1.0
        add(rows, last[step], track, gain / ((step + 1) * (step + 1)), fading)


@njit_cached
def propose_followers(candidates: Candidates, rows: FadingRows, track: int) -> None:
    """The followers of the last track."""
    mass = rows.mass[track] + PRIOR * rows.grain[track]
    for at in range(rows.held[track]):
        slot = propose(candidates, rows.items[track, at], FROM_T1)
        weight = rows.weights[track, at]
        candidates.features[T1, slot] = log_share(weight, mass)
        candidates.features[IS_FOLLOWER, slot] = 1.0
        candidates.facts[SLOT_T, slot] = np.float32(at + 1)
        candidates.facts[COUNT_T, slot] = weight / rows.grain[track]


@njit_cached
def describe_followers(
    candidates: Candidates, rows: FadingRows, track: int, step: int, proposed: int
) -> None:
    """The followers of an earlier track, `step` back; the first `proposed` become candidates."""
    mass = rows.mass[track] + PRIOR * rows.grain[track]
    for at in range(rows.held[track]):
        item = rows.items[track, at]
        slot = candidates.slot_of[item]
        if slot < 0 and at >= proposed:
            continue
        slot = propose(candidates, item, FROM_T2)
        candidates.features[T1 + step, slot] = log_share(rows.weights[track, at], mass)
        if step == 1:
            candidates.facts[COUNT_T2, slot] = rows.weights[track, at] / rows.grain[track]
