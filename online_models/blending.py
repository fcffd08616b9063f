"""The compiled heart of a blend of experts: gather, score, rank, and learn, row by row.

A score is the sum of three parts (transition, own, popular), each with fixed weights. An expert
without weight is not taught and keeps no rows.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.base import AT_MS_MAX, EVALUATED_K, Signal
from online_models.candidates import (
    ASKED_MAX,
    HATED_SCORE,
    OWN,
    Candidates,
    add_up,
    best_into,
    clear,
    propose,
    rank_of,
)
from online_models.compiled import njit_cached
from online_models.contexts import (
    NOBODY,
    NOTHING,
    STEPS_MAX,
    Contexts,
    is_late,
    move,
    move_late,
    start_playing,
    tracks_before,
)
from online_models.hated import Hated, forgive, hate
from online_models.own_history import Plays, propose_own, remember, retract
from online_models.popularity import Chart, Popularity, count, propose_chart, score_popular
from online_models.transitions import FADING, Transitions, follow, propose_followers, teach

_LISTEN, _NOW_PLAYING = int(Signal.LISTEN), int(Signal.NOW_PLAYING)
_HATE, _RETRACT = int(Signal.HATE), int(Signal.RETRACT)
SOURCES_MAX = 2
"""Followers of so many last tracks become candidates; those of older ones only add to scores."""


class Weights(NamedTuple):
    """What each expert counts in the sum, and which of them are taught at all."""

    transitions: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of the followers of the last track, the one before, and the one before that."""
    own: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of own successors, frequency and recency; see `propose_own`."""
    repeat: float = 0.0
    """Of the last track itself."""
    popular: float = 0.0
    steps: int = 0
    """From how many last tracks a play is a transition; 0: transitions are not taught."""
    has_plays: bool = False
    """Whether listeners' own plays are kept."""


class PerListener(NamedTuple):
    """Stores by listener."""

    contexts: Contexts
    plays: Plays
    hated: Hated


class PerTrack(NamedTuple):
    """Stores by track."""

    transitions: Transitions
    popularity: Popularity


class Shared(NamedTuple):
    """Stores of fixed size."""

    chart: Chart
    clock_ms: NDArray[np.int64]
    """[1]: time of the last event."""


class Blend(NamedTuple):
    """All that compiled code needs of a blend."""

    listeners: PerListener
    tracks: PerTrack
    shared: Shared
    candidates: Candidates
    weights: Weights


# -- ranking -----------------------------------------------------------------------------------


@njit_cached
def _gather_own(blend: Blend, listener: int, arriving: int) -> None:
    candidates, weights = blend.candidates, blend.weights
    last = tracks_before(blend.listeners.contexts, listener, arriving)
    if weights.has_plays:
        propose_own(candidates, blend.listeners.plays, listener, last[0], weights.own)
    if weights.steps > 0:
        for step in range(STEPS_MAX):
            if last[step] != NOTHING:
                propose_followers(
                    candidates,
                    blend.tracks.transitions,
                    last[step],
                    weights.transitions[step],
                    step < SOURCES_MAX,
                )
    if last[0] != NOTHING and candidates.slot_of[last[0]] >= 0:
        candidates.parts[candidates.slot_of[last[0]], OWN] += weights.repeat


@njit_cached
def _is_personal(weights: Weights) -> bool:
    return weights.has_plays or weights.steps > 0


@njit_cached
def _gather(blend: Blend, listener: int, arriving: int) -> None:
    """Gathers and scores candidates; those that are there already are scored alike."""
    candidates = blend.candidates
    propose_chart(candidates, blend.shared.chart)
    if listener != NOBODY and _is_personal(blend.weights):
        _gather_own(blend, listener, arriving)
    score_popular(candidates, blend.tracks.popularity, blend.shared.chart, blend.weights.popular)
    add_up(candidates)
    if listener != NOBODY:
        _leave_out_hated(candidates, blend.listeners.hated, listener)


@njit_cached
def _leave_out_hated(candidates: Candidates, hated: Hated, listener: int) -> None:
    for track in hated.tracks[listener, : hated.held[listener]]:
        slot = candidates.slot_of[track]
        if slot >= 0:
            candidates.scores[slot] = HATED_SCORE


@njit_cached
def _rank_before(blend: Blend, listener: int, track: int) -> int:
    _gather(blend, listener, track)
    rank = rank_of(blend.candidates, track, EVALUATED_K)
    clear(blend.candidates)
    return rank


@njit_cached
def recommend_rows(
    blend: Blend,
    listeners: NDArray[np.int32],
    items: NDArray[np.int32],
    scores: NDArray[np.float64],
    reasons: NDArray[np.uint8],
) -> None:
    """Writes the list of each of `listeners` into its row of `items`, `scores`, `reasons`."""
    for row in range(len(listeners)):
        known = 0 <= listeners[row] < len(blend.listeners.hated.held)
        _gather(blend, listeners[row] if known else NOBODY, NOTHING)
        best_into(blend.candidates, items[row], scores[row], reasons[row])
        clear(blend.candidates)


@njit_cached
def score_items(
    blend: Blend, listener: int, items: NDArray[np.int32], scores: NDArray[np.float64]
) -> None:
    """Writes the score of each of `items` (codes; others score 0) for `listener`."""
    known = 0 <= listener < len(blend.listeners.hated.held)
    for start in range(0, len(items), ASKED_MAX):
        asked = items[start : start + ASKED_MAX]
        for item in asked:
            if 0 <= item < len(blend.candidates.slot_of):
                propose(blend.candidates, item)
        _gather(blend, listener if known else NOBODY, NOTHING)
        for at in range(len(asked)):
            if 0 <= asked[at] < len(blend.candidates.slot_of):
                slot = blend.candidates.slot_of[asked[at]]
                scores[start + at] = blend.candidates.scores[slot]
        clear(blend.candidates)


# -- learning ----------------------------------------------------------------------------------


@njit_cached
def _is_usable(row: Any) -> bool:
    is_known = row.user >= 0 and row.item >= 0
    return is_known and 0 <= row.at_ms <= AT_MS_MAX and row.signal <= _RETRACT


@njit_cached
def _gain(y: float) -> float:
    """What a play counts: its reward, at most 1; a play without a reward was a play."""
    return 1.0 if np.isnan(y) else min(max(y, 0.0), 1.0)


@njit_cached
def _learn_in_time(blend: Blend, row: Any, gain: float) -> None:
    contexts = blend.listeners.contexts
    if gain > 0.0 and blend.weights.steps > 0:
        transitions, steps = blend.tracks.transitions, blend.weights.steps
        teach(transitions, contexts, row.user, row.item, row.at_ms, gain, steps)
    move(contexts, row.user, row.item, row.at_ms)


@njit_cached
def _learn_late(blend: Blend, row: Any, gain: float) -> None:
    before = move_late(blend.listeners.contexts, row.user, row.item, row.at_ms)
    if before != NOTHING and gain > 0.0 and blend.weights.steps > 0:
        follow(blend.tracks.transitions, before, row.item, gain, FADING)


@njit_cached
def _learn_listen(blend: Blend, row: Any) -> None:
    gain = _gain(np.float64(row.y))
    if _is_personal(blend.weights):
        if is_late(blend.listeners.contexts, row.user, row.at_ms):
            _learn_late(blend, row, gain)
        else:
            _learn_in_time(blend, row, gain)
    if gain > 0.0:
        if blend.weights.has_plays:
            remember(blend.listeners.plays, row.user, row.item, row.at_ms)
        count(blend.tracks.popularity, blend.shared.chart, row.item, gain)


@njit_cached
def _learn_word(blend: Blend, row: Any) -> None:
    """What a listener says, as against plays."""
    if row.signal == _NOW_PLAYING:
        if _is_personal(blend.weights):
            start_playing(blend.listeners.contexts, row.user, row.item, row.at_ms)
    elif row.signal == _RETRACT:
        if blend.weights.has_plays:
            retract(blend.listeners.plays, row.user, row.item, row.at_ms)
    elif row.signal == _HATE:
        hate(blend.listeners.hated, row.user, row.item)
    else:
        forgive(blend.listeners.hated, row.user, row.item)


@njit_cached
def learn_rows(blend: Blend, rows: NDArray[Any], ranks: NDArray[np.int32], evaluate: bool) -> None:
    """Learns each of `rows` in turn, after looking where a LISTEN's track stood."""
    for at in range(len(rows)):
        row = rows[at]
        if not _is_usable(row):
            continue
        blend.shared.clock_ms[0] = row.at_ms
        if row.signal != _LISTEN:
            _learn_word(blend, row)
            continue
        if evaluate:
            ranks[at] = _rank_before(blend, row.user, row.item)
        _learn_listen(blend, row)
