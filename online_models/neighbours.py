"""The neighbours expert: what was played in those sessions that are most like this one.

Session nearest neighbours, weighted by recency and distance (STAN: Garg et al. 2019; V-SkNN:
Ludewig & Jannach 2018). Sessions are cut at breaks and at `LENGTH_MAX` plays and kept in a ring;
each track remembers the last sessions in which it was played.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.buckets import SHARE_CUTS, bucket_of
from online_models.candidates import Candidates
from online_models.compiled import njit_cached
from online_models.cooccurrence import largest, log_level
from online_models.features import AFTER_LEVEL, NEAR, NEAR_AFTER, NEAR_LEVEL
from online_models.plays import Recent
from online_models.scores_by_id import Sums, add_to, is_among, worst_of_best

LENGTH_MAX = 12
SESSIONS_MAX = 1 << 17
SERIALS_MAX = 1 << 27
"""After so many sessions numbers start again."""
POSTINGS_MAX = 32
PLAYS_READ = 5
SESSIONS_READ = 50
SESSIONS_ROOM = PLAYS_READ * POSTINGS_MAX
ROOM = SESSIONS_READ * LENGTH_MAX
SOURCE = 16


class Postings(NamedTuple):
    """Where each track was played last, 132 bytes a track."""

    places: NDArray[np.int32]
    """[tracks, POSTINGS_MAX]: session number · 16 + place in it, a ring."""
    next: NDArray[np.int32]
    """How many were ever written."""


class Sessions(NamedTuple):
    """The ring of all listeners' last sessions, 60 bytes each."""

    tracks: NDArray[np.int32]
    """[SESSIONS_MAX, LENGTH_MAX]"""
    held: NDArray[np.int32]
    number: NDArray[np.int32]
    """0: none."""
    owner: NDArray[np.int32]
    """1 + the listener, so that erasure finds what is theirs; 0: nobody."""
    newest: NDArray[np.int64]
    """[1]: number of the newest session."""


def no_postings(tracks: int) -> Postings:
    """Tracks that nobody has played."""
    return Postings(np.zeros((tracks, POSTINGS_MAX), np.int32), np.zeros(tracks, np.int32))


def no_sessions(sessions: int) -> Sessions:
    """An empty ring."""
    return Sessions(
        tracks=np.zeros((sessions, LENGTH_MAX), np.int32),
        held=np.zeros(sessions, np.int32),
        number=np.zeros(sessions, np.int32),
        owner=np.zeros(sessions, np.int32),
        newest=np.zeros(1, np.int64),
    )


@njit_cached
def _row(number: int) -> int:
    return number & (SESSIONS_MAX - 1)


@njit_cached
def _begin(sessions: Sessions, listener: int) -> int:
    number = (sessions.newest[0] + 1) % SERIALS_MAX
    number = max(number, 1)
    sessions.newest[0] = number
    row = _row(number)
    sessions.held[row] = 0
    sessions.number[row] = number
    sessions.owner[row] = listener + 1
    return number


@njit_cached
def learn_session(
    sessions: Sessions,
    postings: Postings,
    current: NDArray[np.int32],
    listener: int,
    track: int,
    is_new: bool,
) -> None:
    """The listener plays `track`, `is_new`: after a break; `current`: number of their session."""
    number = current[listener]
    row = _row(number)
    is_over = sessions.number[row] != number or sessions.held[row] == LENGTH_MAX
    if is_new or number == 0 or is_over:
        number = _begin(sessions, listener)
        current[listener] = number
        row = _row(number)
    place = sessions.held[row]
    sessions.tracks[row, place] = track
    sessions.held[row] = place + 1
    at = postings.next[track] % POSTINGS_MAX
    postings.places[track, at] = number * 16 + place
    postings.next[track] = (postings.next[track] + 1) % (1 << 30)


@njit_cached
def forget_sessions(sessions: Sessions, current: NDArray[np.int32], listener: int) -> None:
    """Empties every session of the listener."""
    current[listener] = 0
    for row in range(len(sessions.owner)):
        if sessions.owner[row] == listener + 1:
            sessions.tracks[row] = 0
            sessions.held[row] = 0
            sessions.number[row] = 0
            sessions.owner[row] = 0


@njit_cached
def _find_sessions(
    likes: Sums, sessions: Sessions, postings: Postings, recent: Recent, mine: int
) -> None:
    """Sums how like each session is to the last plays; `marks` holds where the newest was."""
    for k in range(min(recent.held[1], PLAYS_READ)):
        track = recent.tracks[k]
        last = postings.next[track]
        for back in range(min(last, POSTINGS_MAX)):
            posting = postings.places[track, (last - 1 - back) % POSTINGS_MAX]
            number, place = posting >> 4, posting & 15
            row = _row(number)
            if sessions.number[row] != number or number == mine:
                continue
            is_known = likes.place_of[row] >= 0
            at = add_to(likes, row, 1.0 / sqrt(k + 1.0))
            if not is_known:
                likes.marks[at] = place


@njit_cached
def sum_up_sessions(
    sums: Sums, likes: Sums, sessions: Sessions, postings: Postings, recent: Recent, mine: int
) -> None:
    """Sums of how near each track stood in the sessions most like this one.

    `mine`: number of the listener's own session, which tells nothing. `extras` are the sums over
    what came after.
    """
    _find_sessions(likes, sessions, postings, recent, mine)
    worst = worst_of_best(likes, SESSIONS_READ)
    for at in range(likes.held[0]):
        if not is_among(likes, at, worst):
            continue
        row, mark = likes.codes[at], likes.marks[at]
        for place in range(sessions.held[row]):
            if place != mark:
                value = likes.values[at] / sqrt(np.float64(abs(place - mark)))
                to = add_to(sums, sessions.tracks[row, place], value)
                if place > mark:
                    sums.extras[to] += value


@njit_cached
def describe_sessions(candidates: Candidates, sums: Sums) -> None:
    """Describes every candidate that has a sum; after all were proposed."""
    best, best_after = largest(sums), 0.0
    for place in range(sums.held[0]):
        best_after = max(best_after, sums.extras[place])
    for place in range(sums.held[0]):
        slot = candidates.slot_of[sums.codes[place]]
        if slot < 0:
            continue
        share = sums.values[place] / best
        candidates.features[NEAR, slot] = log_level(share)
        candidates.traits[slot, NEAR_LEVEL] = bucket_of(SHARE_CUTS, share)
        if sums.extras[place] > 0.0:
            share = sums.extras[place] / best_after
            candidates.features[NEAR_AFTER, slot] = log_level(share)
            candidates.traits[slot, AFTER_LEVEL] = bucket_of(SHARE_CUTS, share)
