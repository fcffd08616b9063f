"""What a listener plays again: from their own last plays, by event time.

Method: recency and frequency as in the personalised baselines of Ren et al. 2019 (RepeatNet), and
what followed the last track when this listener played it before.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.arithmetic import ln
from online_models.blend.candidates import Candidates, propose
from online_models.blend.features import (
    FROM_OWN,
    GAP,
    GAP_BELOW_10,
    GAP_BELOW_50,
    GAP_IS_0,
    IN_SESSION,
    IS_OWN,
    OWN_COUNT,
    OWN_GAP,
    OWN_NEXT,
    OWN_NEXT_OF_TWO,
    OWN_RECENCY,
    OWN_TIMES,
    OWN_V,
    OWN_V_OF_TWO,
    RECENCY_SUM,
)
from online_models.compiled import njit_cached, njit_inlined

BREAK_S = 30 * 60
_PLAYS_MAX = 512
_ROOT = 1.0 / np.sqrt(np.arange(1.0, _PLAYS_MAX + 1.0))


class Plays(NamedTuple):
    """The last plays of each listener by event time, oldest first; 8 bytes a play."""

    tracks: NDArray[np.int32]
    """[listeners, plays]"""
    at_s: NDArray[np.uint32]
    """[listeners, plays], seconds since 1970."""
    held: NDArray[np.int32]


def no_plays(listeners: int, plays: int) -> Plays:
    """Room for `plays` (at most 512) plays of each of `listeners`."""
    return Plays(
        tracks=np.zeros((listeners, plays), np.int32),
        at_s=np.zeros((listeners, plays), np.uint32),
        held=np.zeros(listeners, np.int32),
    )


@njit_cached
def clear_plays(plays: Plays, listener: int) -> None:
    """Forgets all plays of the listener."""
    plays.tracks[listener] = 0
    plays.at_s[listener] = 0
    plays.held[listener] = 0


@njit_inlined
def play_before(plays: Plays, listener: int, back: int) -> tuple[int, int]:
    """Track and second of the play `back` (from 0) before the newest."""
    at = plays.held[listener] - 1 - back
    return int(plays.tracks[listener, at]), int(plays.at_s[listener, at])


@njit_cached
def _remove(plays: Plays, listener: int, at: int) -> None:
    tracks, at_s = plays.tracks[listener], plays.at_s[listener]
    end = plays.held[listener] - 1
    for slot in range(at, end):
        tracks[slot], at_s[slot] = tracks[slot + 1], at_s[slot + 1]
    tracks[end], at_s[end] = 0, 0
    plays.held[listener] = end


@njit_cached
def remember(plays: Plays, listener: int, track: int, at_ms: int) -> None:
    """Puts a play where its time belongs; the oldest makes room, and may be this one."""
    tracks, at_s = plays.tracks[listener], plays.at_s[listener]
    second = np.uint32(at_ms // 1000)
    if plays.held[listener] == len(tracks):
        if second < at_s[0]:
            return
        _remove(plays, listener, 0)
    slot = plays.held[listener]
    while slot > 0 and at_s[slot - 1] > second:
        tracks[slot], at_s[slot] = tracks[slot - 1], at_s[slot - 1]
        slot -= 1
    tracks[slot], at_s[slot] = track, second
    plays.held[listener] += 1


@njit_cached
def retract(plays: Plays, listener: int, track: int, at_ms: int) -> None:
    """Takes back the play of `track` at that second, or else the newest one of it, if any."""
    found = -1
    for slot in range(plays.held[listener] - 1, -1, -1):
        if plays.tracks[listener, slot] == track:
            if plays.at_s[listener, slot] == np.uint32(at_ms // 1000):
                found = slot
                break
            found = max(found, slot)
    if found >= 0:
        _remove(plays, listener, found)


@njit_cached
def session_length(plays: Plays, listener: int) -> int:
    """How many of the last plays lie less than half an hour apart."""
    held, at_s = plays.held[listener], plays.at_s[listener]
    length = min(held, 1)
    while length < held and at_s[held - length] - at_s[held - length - 1] <= BREAK_S:
        length += 1
    return length


@njit_cached
def propose_own(
    candidates: Candidates, plays: Plays, listener: int, x1: int, x2: int, recent: int
) -> None:
    """The distinct tracks of the last `recent` plays, and whatever followed `x1` before."""
    tracks, newest = plays.tracks[listener], plays.held[listener] - 1
    facts = candidates.facts
    occasions, occasions_of_two = 0, 0
    for back in range(newest + 1):
        track = tracks[newest - back]
        slot = candidates.slot_of[track]
        if back < recent:
            slot = propose(candidates, track, FROM_OWN)
        if slot >= 0:
            _note_play(facts, slot, back)
        if back > 0 and track == x1:
            after = propose(candidates, tracks[newest - back + 1], FROM_OWN)
            facts[OWN_V, after] += 1.0 / (1.0 + occasions)
            occasions += 1
            if back < newest and tracks[newest - back - 1] == x2:
                facts[OWN_V_OF_TWO, after] += 1.0 / (1.0 + occasions_of_two)
                occasions_of_two += 1


@njit_inlined
def _note_play(facts: NDArray[np.float32], slot: int, back: int) -> None:
    if facts[GAP, slot] == 0.0:
        facts[GAP, slot] = np.float32(back + 1)
    facts[OWN_TIMES, slot] += 1.0
    facts[RECENCY_SUM, slot] += _ROOT[back]


@njit_cached
def describe_own(candidates: Candidates, session: int) -> None:
    """Features of the listener's own tracks; `session`: length of the session."""
    features, facts = candidates.features, candidates.facts
    for slot in range(candidates.held[0]):
        if facts[OWN_V, slot] > 0.0:
            features[OWN_NEXT, slot] = 2.0 * ln(1.0 + 4.0 * facts[OWN_V, slot])
        if facts[OWN_V_OF_TWO, slot] > 0.0:
            features[OWN_NEXT_OF_TWO, slot] = 2.0 * ln(1.0 + 4.0 * facts[OWN_V_OF_TWO, slot])
        if facts[GAP, slot] == 0.0:
            continue
        back = facts[GAP, slot] - 1.0
        features[IS_OWN, slot] = 1.0
        features[OWN_COUNT, slot] = ln(1.0 + facts[OWN_TIMES, slot])
        features[OWN_GAP, slot] = 6.0 - ln(back + 2.0)
        features[OWN_RECENCY, slot] = ln(0.01 + facts[RECENCY_SUM, slot]) + 4.6
        features[GAP_IS_0, slot] = 1.0 if back < 1.0 else 0.0
        features[GAP_BELOW_10, slot] = 1.0 if back < 10.0 else 0.0
        features[GAP_BELOW_50, slot] = 1.0 if back < 50.0 else 0.0
        features[IN_SESSION, slot] = 1.0 if back < session else 0.0
