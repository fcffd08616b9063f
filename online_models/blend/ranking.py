"""Ranking: top-k selection by linear score, corrections by bucket tables, and the final order."""

from typing import Any

from online_models.base import EVALUATED_K, NOT_LISTED, NOT_PROPOSED
from online_models.blend.bucket_tables import find_cells
from online_models.blend.candidates.candidate_set import EXCLUDED_SCORE
from online_models.blend.candidates.features import EXPERT_OF, FEATURES, REASONS
from online_models.blend.listener.session_contexts import NO_CODE
from online_models.kernels.compiled import njit_inlined, njit_inner
from online_models.kernels.top_k import is_before, nth_best


@njit_inner
def add_tables(scratch: Any, learned: Any, tables: int, slot: int) -> None:
    """Adds the cells of the first `tables` bucket tables to a candidate's score."""
    if tables > 0:
        cells = scratch.cells[slot]
        find_cells(scratch.candidates.traits[slot], scratch.facts, tables, cells)
        for table in range(tables):
            scratch.candidates.scores[slot] += learned.cells[cells[table]]


@njit_inner
def select_survivors(scratch: Any, learned: Any, knobs: Any) -> None:
    """Selects the best candidates by linear score, adds the tables, and notes their slots in order.

    Hated and dismissed tracks (`EXCLUDED_SCORE`) are not selected. Ties go to the smaller code.
    """
    candidates, n = scratch.candidates, knobs.survivors
    scores, items, held = candidates.scores, candidates.items, candidates.held
    worst, worst_score, worst_item = NO_CODE, 0.0, items[0]
    if held > n:
        worst = nth_best(scores, items, held, n - 1, scratch.order)
        worst_score, worst_item = scores[worst], items[worst]
    scratch.survived = 0
    for slot in range(held):
        is_out = worst >= 0 and is_before(worst_score, worst_item, scores[slot], items[slot])
        if not is_out and scores[slot] != EXCLUDED_SCORE:
            add_tables(scratch, learned, knobs.tables, slot)
            scratch.survivors[scratch.survived] = slot
            scratch.survived += 1


@njit_inner
def rank_of(scratch: Any, target: int) -> int:
    """The 0-based rank of slot `target` among the survivors; -1 if it is none of them."""
    candidates, rank, is_there = scratch.candidates, 0, False
    if target < 0:
        return -1
    score, item = candidates.scores[target], candidates.items[target]
    for at in range(scratch.survived):
        slot = scratch.survivors[at]
        is_there |= slot == target
        rank += is_before(candidates.scores[slot], candidates.items[slot], score, item)
    return rank if is_there else -1


@njit_inner
def place_of(rank: int, is_candidate: bool) -> int:
    """`rank` if it is below `EVALUATED_K`; otherwise `NOT_LISTED` or `NOT_PROPOSED`."""
    if 0 <= rank < EVALUATED_K:
        return rank
    return NOT_LISTED if is_candidate else NOT_PROPOSED


@njit_inner
def sort_survivors(scratch: Any, n: int) -> int:
    """Sorts the best `n` survivors to the front, best first; returns their number."""
    scores, codes, survivors = (
        scratch.candidates.scores,
        scratch.candidates.items,
        scratch.survivors,
    )
    for at in range(scratch.survived):
        slot, place = survivors[at], min(at, n)
        while place > 0 and is_before(
            scores[slot], codes[slot], scores[survivors[place - 1]], codes[survivors[place - 1]]
        ):
            if place < n:
                survivors[place] = survivors[place - 1]
            place -= 1
        if place < n:
            survivors[place] = slot
    return min(scratch.survived, n)


@njit_inlined
def reason_for(scratch: Any, slot: int) -> int:
    """The reason code: the expert whose features contribute most to the linear score."""
    parts = scratch.parts
    parts[:] = 0.0
    for f in range(FEATURES):
        parts[EXPERT_OF[f]] += scratch.weights[f] * scratch.candidates.features[f, slot]
    reason = 0
    for expert in range(1, len(REASONS)):
        if parts[expert] > parts[reason]:
            reason = expert
    return reason
