"""Scoring: loads a listener, generates candidates with features, and computes linear scores."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates.candidate_set import EXCLUDED_SCORE, slot_for
from online_models.blend.candidates.features import FEATURES
from online_models.blend.experts.roster import describe_all, propose_all
from online_models.blend.learned_weights import add_leaning, sum_weights
from online_models.blend.listener.explicit_feedback import ALWAYS_S, DISMISSED_S, read_marks
from online_models.blend.listener.given_plays import put_before_last, put_before_recent
from online_models.blend.listener.play_rings import read_recent
from online_models.blend.listener.session_contexts import (
    BREAK_S,
    NO_CODE,
    UNKNOWN_LISTENER,
    playing_before,
    tracks_before,
)
from online_models.blend.listener.situations import find_facts, find_vectors
from online_models.kernels.compiled import njit_inlined, njit_inner


@njit_inlined
def _load_listener(blend: Any, listener: int, arriving: int) -> None:
    """Writes the listener, their last tracks and their recent plays into the scratch memory."""
    scratch, knobs = blend.scratch[0], blend.knobs[0]
    scratch.listener = listener
    scratch.artist = NO_CODE
    scratch.last[:] = NO_CODE
    scratch.facts[:] = 0
    scratch.recent.held = 0
    scratch.recent.session = 0
    if listener != UNKNOWN_LISTENER:
        context = blend.contexts[listener]
        if knobs.ring > 0:
            playing, ring = playing_before(context, arriving), blend.rings[listener]
            read_recent(
                scratch.recent, ring, blend.blocks, knobs.ring, playing, BREAK_S, knobs.ring
            )
        scratch.last[0], scratch.last[1], scratch.last[2] = tracks_before(context, arriving)


@njit_inlined
def _find_weights(blend: Any) -> None:
    """Sums the weights for this listener in this situation."""
    scratch, listener = blend.scratch[0], blend.scratch[0].listener
    find_facts(blend)
    find_vectors(scratch.facts, scratch.vectors)
    sum_weights(blend.learned[0], scratch.vectors, blend.knobs[0].start, scratch.weights)
    if listener != UNKNOWN_LISTENER and blend.knobs[0].leanings > 0:
        add_leaning(blend.leanings[listener], scratch.weights)


@njit_inlined
def _score(candidates: Any, weights: Any) -> None:
    held = candidates.held
    for slot in range(held):
        candidates.scores[slot] = 0.0
    for f in range(FEATURES):
        weight = weights[f]
        for slot in range(held):
            candidates.scores[slot] += weight * candidates.features[f, slot]


@njit_inlined
def _exclude(blend: Any, marked: Any, since_s: int) -> None:
    scratch = blend.scratch[0]
    for at in range(read_marks(marked, blend.blocks, scratch.marks, since_s)):
        slot = slot_for(blend.slot_of, scratch.marks[at])
        if slot >= 0:
            scratch.candidates.scores[slot] = EXCLUDED_SCORE


@njit_inlined
def _exclude_unwanted(blend: Any) -> None:
    """Takes out what the listener hates, and what they dismissed in the week up to their last play.

    The time is the listener's own: it goes on when they play something.
    """
    listener = blend.scratch[0].listener
    if listener != UNKNOWN_LISTENER:
        newest_s = blend.contexts[listener].newest_ms // 1000
        _exclude(blend, blend.hated[listener], ALWAYS_S)
        _exclude(blend, blend.dismissed[listener], newest_s - DISMISSED_S + 1)


@njit_inlined
def _score_loaded(blend: Any) -> None:
    """Generates candidates for the listener that is loaded, and scores them linearly."""
    propose_all(blend)
    describe_all(blend)
    _find_weights(blend)
    _score(blend.scratch[0].candidates, blend.scratch[0].weights)
    _exclude_unwanted(blend)


@njit_inner
def score_candidates(blend: Any, listener: int, arriving: int) -> None:
    """Generates candidates, computes their features, and scores them linearly.

    Candidates that were added before the call are scored too. `ranking` adds the bucket tables.
    `arriving`: the track of an event that is being tested and is not learnt yet, or NO_CODE.
    """
    _load_listener(blend, listener, arriving)
    _score_loaded(blend)


@njit_inner
def score_candidates_after(blend: Any, listener: int, plays: NDArray[np.int32]) -> None:
    """As `score_candidates`, as if the listener had just played `plays`, oldest first."""
    _load_listener(blend, listener, NO_CODE)
    scratch, size = blend.scratch[0], blend.knobs[0].ring
    if len(plays) > 0:
        put_before_last(scratch.last, plays)
        put_before_recent(scratch.recent, plays, size, blend.shared[0].clock_ms // 1000)
    _score_loaded(blend)
