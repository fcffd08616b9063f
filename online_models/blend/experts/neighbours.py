"""The neighbours expert: what was played in those sessions that are most like this one.

Session nearest neighbours, weighted by recency and distance (STAN: Garg et al. 2019; V-SkNN:
Ludewig & Jannach 2018). Sessions are cut at breaks and at `LENGTH_MAX` plays and kept in a ring;
each track remembers the last sessions in which it was played.
"""

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates.candidate_sums import (
    add_to,
    clear_sums,
    is_among,
    largest,
    worst_of_best,
)
from online_models.blend.candidates.candidates import slot_for
from online_models.blend.candidates.features import (
    AFTER_LEVEL,
    NEAR,
    NEAR_AFTER,
    NEAR_LEVEL,
    NEAR_SUPPORT,
)
from online_models.blend.experts.cooccurrence import log_level, propose_best
from online_models.blend.listener.contexts import BREAK_S
from online_models.kernels.buckets import SHARE_CUTS, bucket_of
from online_models.kernels.compiled import constant, njit_inlined, njit_inner
from online_models.kernels.numerics import logs_below

LENGTH_MAX = 12
SESSIONS_MAX = 1 << 17
NUMBERS_MAX = 1 << 27
"""After so many sessions numbers start again."""
WRITTEN_MAX = 1 << 30
"""A multiple of `POSTINGS_MAX`, at which the count of postings steps back."""
POSTINGS_MAX = 32
PLAYS_READ = 10
SESSIONS_READ = constant(100)
SOURCE = constant(16)
_LOGS = logs_below(LENGTH_MAX * int(SESSIONS_READ) + 2)
_NEARNESS = np.array([0.0] + [1.0 / sqrt(distance) for distance in range(1, LENGTH_MAX)])


POSTINGS = np.dtype(
    [
        ("places", "<i4", (POSTINGS_MAX,)),  # session number · 16 + place in it, a ring
        ("written", "<i4"),  # how many were ever written
    ],
    align=True,
)
"""Where a track was played last, 132 bytes."""
SESSION = np.dtype(
    [
        ("tracks", "<i4", (LENGTH_MAX,)),
        ("held", "<i4"),
        ("number", "<i4"),  # 0: none
        ("owner", "<i4"),  # 1 + the listener, so that erasure finds what is theirs
    ],
    align=True,
)
"""One of all listeners' last sessions, 60 bytes; its place in the ring follows from its number."""
SESSION_RING = np.dtype([("newest", "<i8"), ("begun", "<i8")], align=True)
"""Number of the newest session, and how far the ring was ever used."""


@njit_inner
def _place_of(sessions: NDArray[Any], number: int) -> int:
    return number & (len(sessions) - 1)


@njit_inner
def _begin(sessions: NDArray[Any], its: Any, listener: int) -> int:
    number = max((its.newest + 1) % NUMBERS_MAX, 1)
    its.newest = number
    its.begun = min(its.begun + 1, len(sessions) - 1)
    session = sessions[_place_of(sessions, number)]
    session.held = 0
    session.number = number
    session.owner = listener + 1
    return number


@njit_inner
def learn_session(
    sessions: NDArray[Any],
    postings: Any,
    its: Any,
    current: int,
    listener: int,
    track: int,
    is_new: bool,
) -> int:
    """The listener plays `track`, `is_new`: after a break; `current`: number of their session.

    `its` is the ring's record; returns the number of the session that the play is in.
    """
    session = sessions[_place_of(sessions, current)]
    is_over = session.number != current or session.held == LENGTH_MAX
    if is_new or current == 0 or is_over:
        current = _begin(sessions, its, listener)
        session = sessions[_place_of(sessions, current)]
    session.tracks[session.held] = track
    postings.places[postings.written % POSTINGS_MAX] = current * 16 + session.held
    postings.written += 1 if postings.written < WRITTEN_MAX else 1 - POSTINGS_MAX
    session.held += 1
    return current


@njit_inner
def forget_sessions(sessions: NDArray[Any], listener: int) -> None:
    """Empties every session of the listener."""
    for at in range(len(sessions)):
        session = sessions[at]
        if session.owner == listener + 1:
            session.tracks[:] = 0
            session.held = 0
            session.number = 0
            session.owner = 0


@njit_inner
def _find_sessions(
    likes: Any,
    place_of: NDArray[np.int32],
    sessions: NDArray[Any],
    postings: NDArray[Any],
    recent: Any,
    mine: int,
) -> None:
    """Sums how like each session is to the last plays; `marks` holds where the newest was."""
    for k in range(min(int(recent.session), PLAYS_READ)):
        posting = postings[recent.tracks[k]]
        written = int(posting.written)
        for back in range(min(written, POSTINGS_MAX)):
            place = int(posting.places[(written - 1 - back) % POSTINGS_MAX])
            number = place >> 4
            row = _place_of(sessions, number)
            if sessions[row].number != number or number == mine:
                continue
            is_known = place_of[row] > 0
            at = add_to(likes, place_of, row, 1.0 / sqrt(k + 1.0))
            if not is_known:
                likes.marks[at] = place & 15


@njit_inner
def sum_up_sessions(
    sums: Any,
    sums_of: NDArray[np.int32],
    likes: Any,
    likes_of: NDArray[np.int32],
    sessions: NDArray[Any],
    postings: NDArray[Any],
    recent: Any,
    mine: int,
) -> None:
    """Sums of how near each track stood in the sessions most like this one.

    `mine`: number of the listener's own session, which tells nothing. `extras` are the sums over
    what came after.
    """
    _find_sessions(likes, likes_of, sessions, postings, recent, mine)
    worst = worst_of_best(likes, SESSIONS_READ)
    for at in range(likes.held):
        if not is_among(likes, at, worst):
            continue
        session, mark = sessions[likes.codes[at]], int(likes.marks[at])
        for place in range(session.held):
            if place != mark:
                value = likes.values[at] * _NEARNESS[abs(place - mark)]
                to = add_to(sums, sums_of, session.tracks[place], value)
                if place > mark:
                    sums.extras[to] += value


@njit_inner
def describe_sessions(candidates: Any, slot_of: NDArray[np.int32], sums: Any) -> None:
    """Describes every candidate that has a sum; after all were proposed."""
    best, best_after = largest(sums), 0.0
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
    """See `experts`: what was played in the sessions most like this one."""
    scratch, near = blend.scratch[0], blend.knobs[0].near
    if near > 0:
        sum_up_sessions(
            scratch.near,
            blend.near_of,
            scratch.likes,
            blend.likes_of,
            blend.sessions,
            blend.postings,
            scratch.recent,
            blend.moods[scratch.listener].session,
        )
        propose_best(scratch.candidates, blend.slot_of, scratch.near, near, SOURCE)


@njit_inlined
def describe(blend: Any) -> None:
    """See `experts`."""
    scratch = blend.scratch[0]
    if blend.knobs[0].near > 0:
        describe_sessions(scratch.candidates, blend.slot_of, scratch.near)
        clear_sums(scratch.near, blend.near_of)
        clear_sums(scratch.likes, blend.likes_of)


@njit_inlined
def learn(blend: Any, row: Any) -> None:
    """See `experts`; what a play was worth is of no matter here."""
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
