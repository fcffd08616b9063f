"""The blend learns from a play: a step towards weights that would have ranked the track higher."""

from typing import Any

from online_models.blend.candidates.candidates import clear, slot_for
from online_models.blend.candidates.features import FEATURES
from online_models.blend.learned_weights import step_cell, step_leaning, step_vectors
from online_models.blend.listener.situations import note_outcome
from online_models.blend.ranking import place_of, rank_of, survive
from online_models.blend.scoring import score_candidates
from online_models.kernels.compiled import njit_inlined, njit_inner
from online_models.kernels.numerics import exp_of

SMALLEST_SHARE = 0.0002
"""Candidates with a smaller probability leave the gradient alone, but for the target."""
SMALLEST_EXPONENT = -12.0


@njit_inlined
def _softmax(scratch: Any) -> None:
    """Writes each survivor's probability into `shares`."""
    scores, shares, survivors = scratch.candidates.scores, scratch.shares, scratch.survivors
    best, total = scores[survivors[0]], 0.0
    for at in range(scratch.survived):
        best = max(best, scores[survivors[at]])
    for at in range(scratch.survived):
        exponent = scores[survivors[at]] - best
        shares[at] = exp_of(exponent) if exponent > SMALLEST_EXPONENT else 0.0
        total += shares[at]
    for at in range(scratch.survived):
        shares[at] /= total


@njit_inner
def _learn_blend(scratch: Any, learned: Any, knobs: Any, target: int) -> None:
    """`target`, one of the survivors, was played: a step uphill in the logarithm of its share."""
    candidates, gradient = scratch.candidates, scratch.gradient
    _softmax(scratch)
    steps = 0
    for at in range(scratch.survived):
        slot, share = scratch.survivors[at], scratch.shares[at]
        if slot != target and share <= SMALLEST_SHARE:
            continue
        g = (1.0 if slot == target else 0.0) - share
        scratch.order[steps], scratch.shares[steps] = slot, g
        steps += 1
        for table in range(knobs.tables):
            step_cell(learned, scratch.cells[slot, table], g, knobs.cell_rate)
    for f in range(FEATURES):
        gradient[f] = 0.0
        for step in range(steps):
            gradient[f] += scratch.shares[step] * candidates.features[f, scratch.order[step]]
    step_vectors(learned, scratch.vectors, gradient, knobs.rate)


@njit_inlined
def rank_and_blend(blend: Any, listener: int, item: int, is_lesson: bool) -> int:
    """Looks where the arriving track stands; learns the blend from it where it `is_lesson`.

    Returns its place, see `place_of`.
    """
    score_candidates(blend, listener, item)
    scratch, learned, knobs = blend.scratch[0], blend.learned[0], blend.knobs[0]
    survive(scratch, learned, knobs)
    target = slot_for(blend.slot_of, item)
    rank = rank_of(scratch, target)
    if is_lesson:
        if rank >= 0:
            _learn_blend(scratch, learned, knobs, target)
            if knobs.leanings > 0:
                step_leaning(blend.leanings[listener], scratch.gradient, knobs.rate)
        note_outcome(blend.moods[listener], rank, target >= 0)
    clear(scratch.candidates, blend.slot_of)
    return place_of(rank, target >= 0)
