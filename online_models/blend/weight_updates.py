"""Weight updates: after a play, a gradient step that would have ranked its track higher."""

from typing import Any

from online_models.blend.candidates.candidate_set import clear_candidates, slot_for
from online_models.blend.candidates.features import FEATURES
from online_models.blend.learned_weights import step_cell, step_leaning, step_vectors
from online_models.blend.listener.situations import note_outcome
from online_models.blend.ranking import place_of, rank_of, select_survivors
from online_models.blend.scoring import score_candidates
from online_models.kernels.compiled import njit_inlined, njit_inner
from online_models.kernels.numerics import exp_of

SHARE_MIN = 0.0002
"""Candidates with a smaller probability are left out of the gradient, except the target."""
EXPONENT_MIN = -12.0
"""Score differences below this count as probability 0."""


@njit_inlined
def _softmax(scratch: Any) -> None:
    """Writes the softmax probability of each survivor into `shares`."""
    scores, shares, survivors = scratch.candidates.scores, scratch.shares, scratch.survivors
    best, total = scores[survivors[0]], 0.0
    for at in range(scratch.survived):
        best = max(best, scores[survivors[at]])
    for at in range(scratch.survived):
        exponent = scores[survivors[at]] - best
        shares[at] = exp_of(exponent) if exponent > EXPONENT_MIN else 0.0
        total += shares[at]
    for at in range(scratch.survived):
        shares[at] /= total


@njit_inner
def _update_weights(scratch: Any, learned: Any, knobs: Any, target: int) -> None:
    """An AdaGrad step on ln P(target); `target` is the slot of the played track, a survivor."""
    candidates, gradient = scratch.candidates, scratch.gradient
    _softmax(scratch)
    kept = 0
    for at in range(scratch.survived):
        slot, share = scratch.survivors[at], scratch.shares[at]
        if slot != target and share <= SHARE_MIN:
            continue
        g = (1.0 if slot == target else 0.0) - share
        scratch.order[kept], scratch.shares[kept] = slot, g
        kept += 1
        for table in range(knobs.tables):
            step_cell(learned, scratch.cells[slot, table], g, knobs.cell_rate)
    for f in range(FEATURES):
        gradient[f] = 0.0
        for at in range(kept):
            gradient[f] += scratch.shares[at] * candidates.features[f, scratch.order[at]]
    step_vectors(learned, scratch.vectors, gradient, knobs.rate)


@njit_inlined
def rank_and_update(blend: Any, listener: int, item: int, is_update: bool) -> int:
    """Ranks the arriving track, and makes a weight update if `is_update`.

    Returns its place, see `place_of`.
    """
    score_candidates(blend, listener, item)
    scratch, learned, knobs = blend.scratch[0], blend.learned[0], blend.knobs[0]
    select_survivors(scratch, learned, knobs)
    target = slot_for(blend.slot_of, item)
    rank = rank_of(scratch, target)
    if is_update:
        if rank >= 0:
            _update_weights(scratch, learned, knobs, target)
            if knobs.leanings > 0:
                step_leaning(blend.leanings[listener], scratch.gradient, knobs.rate)
        note_outcome(blend.moods[listener], rank, target >= 0)
    clear_candidates(scratch.candidates, blend.slot_of)
    return place_of(rank, target >= 0)
