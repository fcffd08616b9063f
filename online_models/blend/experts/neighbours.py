"""The neighbours expert: tracks of the sessions that are most similar to the present one.

Session-based nearest neighbours (session kNN), weighted by recency and distance (STAN: Garg et al.
2019; V-SkNN: Ludewig & Jannach 2018):

    similarity(s) = sum over the session's last ten plays x_k that are in s of 1 / √(k + 1)
    v(b) = sum over the 100 most similar sessions s with b of
           similarity(s) / √(distance in s of b from the newest shared track)
    NEAR = ln(.001 + v(b) / (largest v)) + 6.91;  NEAR_AFTER = the same over tracks after it
    NEAR_SUPPORT = ln(1 + number of terms of the sum)

Sessions are cut at session breaks and at `LENGTH_MAX` plays, and are kept in a ring. An inverted
index gives, for each track, the last places in sessions where it was played (postings).
"""

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates.candidate_set import slot_for
from online_models.blend.candidates.candidate_sums import (
    add_to_sum,
    clear_sums,
    is_in_top,
    largest_sum,
    last_of_top,
)
from online_models.blend.candidates.features import (
    AFTER_LEVEL,
    NEAR,
    NEAR_AFTER,
    NEAR_LEVEL,
    NEAR_SUPPORT,
)
from online_models.blend.experts.cooccurrence import log_level, propose_best
from online_models.blend.listener.session_contexts import BREAK_S, UNKNOWN_LISTENER
from online_models.kernels.buckets import SHARE_CUTS, bucket_of
from online_models.kernels.compiled import constant, njit_inlined, njit_inner
from online_models.kernels.numerics import logs_below

LENGTH_MAX = 12
"""Maximum number of plays in a session."""
SESSIONS_MAX = 1 << 17
"""Number of sessions that are kept, of all listeners; a power of two."""
NUMBERS_MAX = 1 << 27
"""The number of sessions after which session numbers restart at 1."""
WRITTEN_MAX = 1 << 30
"""A multiple of `POSTINGS_MAX`, beyond which the count of postings is reduced by one round."""
POSTINGS_MAX = 32
"""Number of postings that are kept per track."""
PLAYS_READ = 10
"""Number of the session's last plays that are compared with other sessions."""
SESSIONS_READ = constant(100)
SOURCE = constant(16)
NO_SESSION = constant(0)
"""In place of a session's number: there is none."""
_LOGS = logs_below(LENGTH_MAX * int(SESSIONS_READ) + 2)
_NEARNESS = np.array([0.0] + [1.0 / sqrt(distance) for distance in range(1, LENGTH_MAX)])


POSTINGS = np.dtype(
    [
        ("places", "<i4", (POSTINGS_MAX,)),  # session number · 16 + place in it, a ring
        ("written", "<i4"),  # how many were written so far
    ],
    align=True,
)
"""Inverted index: the sessions in which a track was played last, 132 bytes per track."""
SESSION = np.dtype(
    [
        ("tracks", "<i4", (LENGTH_MAX,)),
        ("held", "<i4"),
        ("number", "<i4"),  # 0: none
        ("owner", "<i4"),  # 1 + the listener, by whom erasure finds the session
    ],
    align=True,
)
"""A session, 60 bytes; its place in the ring is its number modulo the ring's length."""
SESSION_RING = np.dtype([("newest", "<i8"), ("begun", "<i8")], align=True)
"""Number of the newest session, and the highest place of the ring in use."""


@njit_inner
def _place_of(sessions: NDArray[Any], number: int) -> int:
    return number & (len(sessions) - 1)


@njit_inner
def _begin(sessions: NDArray[Any], ring: Any, listener: int) -> int:
    number = max((ring.newest + 1) % NUMBERS_MAX, 1)
    ring.newest = number
    ring.begun = min(ring.begun + 1, len(sessions) - 1)
    session = sessions[_place_of(sessions, number)]
    session.held = 0
    session.number = number
    session.owner = listener + 1
    return number


@njit_inner
def learn_session(
    sessions: NDArray[Any],
    postings: Any,
    ring: Any,
    current: int,
    listener: int,
    track: int,
    is_new: bool,
) -> int:
    """Adds a play of `track` to the listener's session; returns the session's number.

    `current`: number of the listener's session, 0 if they have none. `is_new`: whether the play
    comes after a session break. `ring`: the record of the ring.
    """
    session = sessions[_place_of(sessions, current)]
    is_over = session.number != current or session.held == LENGTH_MAX
    if is_new or current == 0 or is_over:
        current = _begin(sessions, ring, listener)
        session = sessions[_place_of(sessions, current)]
    session.tracks[session.held] = track
    postings.places[postings.written % POSTINGS_MAX] = current * 16 + session.held
    postings.written += 1 if postings.written < WRITTEN_MAX else 1 - POSTINGS_MAX
    session.held += 1
    return current


@njit_inner
def forget_sessions(sessions: NDArray[Any], listener: int) -> None:
    """Erases every session of the listener."""
    for at in range(len(sessions)):
        session = sessions[at]
        if session.owner == listener + 1:
            session.tracks[:] = 0
            session.held = 0
            session.number = 0
            session.owner = 0


@njit_inner
def _sum_similarities(
    similarities: Any,
    place_of: NDArray[np.int32],
    sessions: NDArray[Any],
    postings: NDArray[Any],
    recent: Any,
    own_session: int,
) -> None:
    """Sums the similarity of each session; `marks` holds the place of the newest shared track."""
    for k in range(min(int(recent.session), PLAYS_READ)):
        posting = postings[recent.tracks[k]]
        written = int(posting.written)
        for back in range(min(written, POSTINGS_MAX)):
            place = int(posting.places[(written - 1 - back) % POSTINGS_MAX])
            number = place >> 4
            row = _place_of(sessions, number)
            if sessions[row].number != number or number == own_session:
                continue
            is_known = place_of[row] > 0
            at = add_to_sum(similarities, place_of, row, 1.0 / sqrt(k + 1.0))
            if not is_known:
                similarities.marks[at] = place & 15


@njit_inner
def sum_neighbour_sessions(
    sums: Any,
    sums_of: NDArray[np.int32],
    similarities: Any,
    similarity_of: NDArray[np.int32],
    sessions: NDArray[Any],
    postings: NDArray[Any],
    recent: Any,
    own_session: int,
) -> None:
    """Sums, by track, the similarity of sessions weighted by distance; see the module.

    `own_session`: number of the listener's own session, which is left out. `sums.extras` are the
    sums over tracks that were played after the newest shared track.
    """
    _sum_similarities(similarities, similarity_of, sessions, postings, recent, own_session)
    worst = last_of_top(similarities, SESSIONS_READ)
    for at in range(similarities.held):
        if not is_in_top(similarities, at, worst):
            continue
        session, mark = sessions[similarities.codes[at]], int(similarities.marks[at])
        for place in range(session.held):
            if place != mark:
                value = similarities.values[at] * _NEARNESS[abs(place - mark)]
                to = add_to_sum(sums, sums_of, session.tracks[place], value)
                if place > mark:
                    sums.extras[to] += value


@njit_inner
def describe_sessions(candidates: Any, slot_of: NDArray[np.int32], sums: Any) -> None:
    """Computes features of every candidate with a sum; called after all are proposed."""
    best, best_after = largest_sum(sums), 0.0
    for place in range(sums.held):
        best_after = max(best_after, sums.extras[place])
    for place in range(sums.held):
        slot = slot_for(slot_of, sums.codes[place])
        if slot < 0:
            continue
        share = sums.values[place] / best
        candidates.features[NEAR, slot] = log_level(share)
        candidates.features[NEAR_SUPPORT, slot] = _LOGS[1 + sums.times[place]]
        candidates.traits[slot, NEAR_LEVEL] = bucket_of(SHARE_CUTS, share)
        if sums.extras[place] > 0.0:
            share = sums.extras[place] / best_after
            candidates.features[NEAR_AFTER, slot] = log_level(share)
            candidates.traits[slot, AFTER_LEVEL] = bucket_of(SHARE_CUTS, share)


@njit_inlined
def propose(blend: Any) -> None:
    """See `roster`: tracks of the sessions that are most similar to this one."""
    scratch, near = blend.scratch[0], blend.knobs[0].near
    if near > 0:
        own_session: int = NO_SESSION
        if scratch.listener != UNKNOWN_LISTENER:  # who may have a context that a query gives
            own_session = blend.moods[scratch.listener].session
        sum_neighbour_sessions(
            scratch.near,
            blend.near_of,
            scratch.similarities,
            blend.similarity_of,
            blend.sessions,
            blend.postings,
            scratch.recent,
            own_session,
        )
        propose_best(scratch.candidates, blend.slot_of, scratch.near, near, SOURCE)


@njit_inlined
def describe(blend: Any) -> None:
    """See `roster`."""
    scratch = blend.scratch[0]
    if blend.knobs[0].near > 0:
        describe_sessions(scratch.candidates, blend.slot_of, scratch.near)
        clear_sums(scratch.near, blend.near_of)
        clear_sums(scratch.similarities, blend.similarity_of)


@njit_inlined
def learn(blend: Any, row: Any) -> None:
    """See `roster`; the weight of a play is ignored."""
    recent, mood = blend.scratch[0].recent, blend.moods[row.user]
    if blend.knobs[0].near > 0:
        mood.session = learn_session(
            blend.sessions,
            blend.postings[row.item],
            blend.shared[0].sessions,
            mood.session,
            row.user,
            row.item,
            recent.held == 0 or row.at_ms // 1000 - recent.at_s[0] > BREAK_S,
        )
