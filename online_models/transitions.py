"""The transition expert: what is played after a track, with a memory that fades.

Each track has a bounded row of followers sorted by weight. New evidence weighs more than old: not
by shrinking what is there but by growing `scale`, so that a play costs one entry. The mass of
evicted followers stays in `mass`, so that a share is one of all that was ever seen.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.candidates import TRANSITION, Candidates, propose
from online_models.compiled import njit_cached
from online_models.contexts import BREAK_MS, NOTHING, Contexts

FOLLOWERS_MAX = 32
FADING = 0.98
ACROSS_BREAK = 0.3
"""What a transition across a break counts, where one within a session counts 1."""
PRIOR = 6.0
"""Plays of doubt: a track's followers are believed as it has been followed more often."""
SCALE_MAX = 2.0**30


class Transitions(NamedTuple):
    """One row a track, 404 bytes."""

    followers: NDArray[np.int32]
    """[tracks, FOLLOWERS_MAX], heaviest first."""
    weights: NDArray[np.float64]
    """[tracks, FOLLOWERS_MAX], in units of `scale`."""
    held: NDArray[np.int32]
    mass: NDArray[np.float64]
    scale: NDArray[np.float64]


def no_transitions(tracks: int) -> Transitions:
    """Rows of `tracks` that nothing has followed."""
    return Transitions(
        followers=np.full((tracks, FOLLOWERS_MAX), NOTHING, np.int32),
        weights=np.zeros((tracks, FOLLOWERS_MAX), np.float64),
        held=np.zeros(tracks, np.int32),
        mass=np.zeros(tracks, np.float64),
        scale=np.ones(tracks, np.float64),
    )


@njit_cached
def _slot_for(transitions: Transitions, track: int, follower: int) -> int:
    held = transitions.held[track]
    for slot in range(held):
        if transitions.followers[track, slot] == follower:
            return slot
    slot = min(held, FOLLOWERS_MAX - 1)
    transitions.held[track] = slot + 1
    transitions.followers[track, slot] = follower
    transitions.weights[track, slot] = 0.0
    return slot


@njit_cached
def _rise(transitions: Transitions, track: int, slot: int) -> None:
    followers, weights = transitions.followers[track], transitions.weights[track]
    while slot > 0 and weights[slot - 1] < weights[slot]:
        weights[slot - 1], weights[slot] = weights[slot], weights[slot - 1]
        followers[slot - 1], followers[slot] = followers[slot], followers[slot - 1]
        slot -= 1


@njit_cached
def _rescale(transitions: Transitions, track: int) -> None:
    """Divides by a power of two, which is exact: no order can change."""
    transitions.weights[track] /= SCALE_MAX
    transitions.mass[track] /= SCALE_MAX
    transitions.scale[track] /= SCALE_MAX


@njit_cached
def follow(transitions: Transitions, track: int, follower: int, gain: float, fading: float) -> None:
    """`follower` came after `track`; all that came before fades by the factor `fading`."""
    transitions.scale[track] /= fading
    weight = gain * transitions.scale[track]
    transitions.mass[track] += weight
    slot = _slot_for(transitions, track, follower)
    transitions.weights[track, slot] += weight
    _rise(transitions, track, slot)
    if transitions.scale[track] > SCALE_MAX:
        _rescale(transitions, track)


@njit_cached
def teach(
    transitions: Transitions,
    contexts: Contexts,
    listener: int,
    track: int,
    at_ms: int,
    gain: float,
    steps: int,
) -> None:
    """The listener plays `track` after the last `steps` tracks of the session, nearer ones more."""
    last = contexts.last[listener]
    if last[0] == NOTHING:
        return
    if at_ms - contexts.newest_ms[listener] > BREAK_MS:
        follow(transitions, last[0], track, gain * ACROSS_BREAK, FADING)
        return
    for step in range(min(contexts.linked[listener], steps)):
        fading = FADING if step == 0 else 1.0
        follow(transitions, last[step], track, gain / ((step + 1) * (step + 1)), fading)


@njit_cached
def propose_followers(
    candidates: Candidates, transitions: Transitions, track: int, weight: float, is_source: bool
) -> None:
    """Adds weight·√(share of the followers) to each follower's score.

    Followers that nobody else proposes become candidates only where `is_source`.
    """
    total = transitions.mass[track] + PRIOR * transitions.scale[track]
    for at in range(transitions.held[track]):
        follower = transitions.followers[track, at]
        slot = propose(candidates, follower) if is_source else candidates.slot_of[follower]
        if slot >= 0:
            share = transitions.weights[track, at] / total
            candidates.parts[slot, TRANSITION] += weight * sqrt(share)
