"""The habit expert: what a listener plays again, from their own last plays."""

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.candidates import OWN, Candidates, propose
from online_models.compiled import njit_cached

PLAYS_MAX = 64


class Plays(NamedTuple):
    """The last plays of each listener by event time, oldest first; 516 bytes a listener."""

    tracks: NDArray[np.int32]
    """[listeners, PLAYS_MAX]"""
    at_s: NDArray[np.uint32]
    """[listeners, PLAYS_MAX], seconds since 1970."""
    held: NDArray[np.int32]


def no_plays(listeners: int) -> Plays:
    """Plays of `listeners` who have played nothing."""
    return Plays(
        tracks=np.zeros((listeners, PLAYS_MAX), np.int32),
        at_s=np.zeros((listeners, PLAYS_MAX), np.uint32),
        held=np.zeros(listeners, np.int32),
    )


@njit_cached
def clear_plays(plays: Plays, listener: int) -> None:
    """Forgets all plays of the listener."""
    plays.tracks[listener] = 0
    plays.at_s[listener] = 0
    plays.held[listener] = 0


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
    if plays.held[listener] == PLAYS_MAX:
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
def propose_own(
    candidates: Candidates,
    plays: Plays,
    listener: int,
    track: int,
    weights: tuple[float, float, float],
) -> None:
    """Scores the listener's own tracks, given that `track` was last.

    `weights` are those of: what followed `track` before, v / (v + 1) with v = Σ 1 / (1 + n) over
    its earlier plays, newest (n = 0) first; how often, √n; how recently, 1 / √(k + 2), k counted
    back from 0.
    """
    successor, frequency, recency = weights
    tracks, newest = plays.tracks[listener], plays.held[listener] - 1
    occasions = 0
    for back in range(newest + 1):
        slot = propose(candidates, tracks[newest - back])
        if candidates.plays[slot] == 0:
            candidates.parts[slot, OWN] += recency / sqrt(back + 2.0)
        candidates.plays[slot] += 1
        if back > 0 and tracks[newest - back] == track:
            after = candidates.slot_of[tracks[newest - back + 1]]
            candidates.successions[after] += 1.0 / (1.0 + occasions)
            occasions += 1
    for slot in range(candidates.held[0]):
        followed = candidates.successions[slot]
        candidates.parts[slot, OWN] += frequency * sqrt(candidates.plays[slot])
        candidates.parts[slot, OWN] += successor * (followed / (followed + 1.0))
