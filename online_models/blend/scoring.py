"""The first half of a list: who is looked at, what the experts propose, and linear scores."""

from typing import Any

from online_models.blend.candidates.candidates import HATED_SCORE, slot_for
from online_models.blend.candidates.features import FEATURES
from online_models.blend.experts.roster import describe_all, propose_all
from online_models.blend.learned_weights import add_leaning, sum_weights
from online_models.blend.listener.contexts import (
    BREAK_S,
    NOBODY,
    NOTHING,
    playing_before,
    tracks_before,
)
from online_models.blend.listener.marks import read_marks
from online_models.blend.listener.play_rings import recall
from online_models.blend.listener.situations import find_facts, find_vectors
from online_models.kernels.compiled import njit_inlined, njit_inner


@njit_inlined
def _look_at(blend: Any, listener: int, arriving: int) -> None:
    """Writes who is looked at, and what they did, into the scratch."""
    scratch, knobs = blend.scratch[0], blend.knobs[0]
    scratch.listener = listener
    scratch.artist = NOTHING
    scratch.last[:] = NOTHING
    scratch.facts[:] = 0
    scratch.recent.held = 0
    scratch.recent.session = 0
    if listener != NOBODY:
        context = blend.contexts[listener]
        if knobs.ring > 0:
            playing, ring = playing_before(context, arriving), blend.rings[listener]
            recall(scratch.recent, ring, blend.blocks, knobs.ring, playing, BREAK_S, knobs.ring)
        scratch.last[0], scratch.last[1], scratch.last[2] = tracks_before(context, arriving)


@njit_inlined
def _weigh(blend: Any) -> None:
    """Finds the weights that hold for this listener in this situation."""
    scratch, listener = blend.scratch[0], blend.scratch[0].listener
    find_facts(blend)
    find_vectors(scratch.facts, scratch.vectors)
    sum_weights(blend.learned[0], scratch.vectors, blend.knobs[0].start, scratch.weights)
    if listener != NOBODY and blend.knobs[0].leanings > 0:
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
def _leave_out_hated(blend: Any) -> None:
    scratch = blend.scratch[0]
    if scratch.listener != NOBODY:
        hated = read_marks(blend.hated[scratch.listener], blend.blocks, scratch.marks)
        for at in range(hated):
            slot = slot_for(blend.slot_of, scratch.marks[at])
            if slot >= 0:
                scratch.candidates.scores[slot] = HATED_SCORE


@njit_inner
def score_candidates(blend: Any, listener: int, arriving: int) -> None:
    """Gathers, describes and scores candidates; those that are there already are scored alike.

    The score is linear so far; `ranking` adds the tables. `arriving`: the track that has just
    come and is not learnt yet, or NOTHING.
    """
    _look_at(blend, listener, arriving)
    propose_all(blend)
    describe_all(blend)
    _weigh(blend)
    _score(blend.scratch[0].candidates, blend.scratch[0].weights)
    _leave_out_hated(blend)
