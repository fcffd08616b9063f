"""Entry points: the compiled functions that Python calls, each a loop over rows.

docs/model.md lists the functions below them in the order of reading.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.base import Signal
from online_models.blend.candidates.candidate_set import (
    EXCLUDED_SCORE,
    add_candidate,
    clear_candidates,
    slot_for,
)
from online_models.blend.candidates.features import SOURCES
from online_models.blend.experts import artists, cooccurrence, neighbours, ngrams, transitions
from online_models.blend.experts.artists import introduce
from online_models.blend.experts.neighbours import forget_sessions
from online_models.blend.learned_weights import clear_leaning
from online_models.blend.learning import apply_signal, is_usable, learn_listen
from online_models.blend.listener.explicit_feedback import clear_marked
from online_models.blend.listener.play_rings import clear_ring
from online_models.blend.listener.session_contexts import NO_CODE, UNKNOWN_LISTENER, clear_context
from online_models.blend.listener.situations import clear_mood
from online_models.blend.ranking import add_tables, reason_for, select_survivors, sort_survivors
from online_models.blend.scoring import score_candidates, score_candidates_after
from online_models.kernels.compiled import constant, njit_cached

_LISTEN = int(Signal.LISTEN)
_REQUESTED = constant(0)
"""The source of a candidate that a query named and no expert proposed."""
_OF_CONTEXT = constant(
    int(transitions.SOURCE)
    | int(transitions.SOURCE_OLDER)
    | int(ngrams.SOURCE)
    | int(cooccurrence.SOURCE)
    | int(neighbours.SOURCE)
    | int(artists.SOURCE)
    | int(artists.SOURCE_NEXT)
)
"""The sources of candidates that belong to the last tracks: not popularity, not own history."""


@njit_cached
def learn_rows(blend: Any, rows: NDArray[Any], ranks: NDArray[np.int32], evaluate: bool) -> None:
    """Learns each of `rows` (`ROW`, [n]) in turn; writes places of LISTENs into `ranks`, [n]."""
    for at in range(len(rows)):
        row = rows[at]
        if not is_usable(row):
            continue
        blend.shared[0].clock_ms = row.at_ms
        if row.signal == _LISTEN:
            ranks[at] = learn_listen(blend, row, evaluate)
        else:
            introduce(blend.tracks, blend.artists, row.item, row.group)
            apply_signal(blend, row)


@njit_cached
def introduce_rows(blend: Any, rows: NDArray[Any]) -> None:
    """Registers the items of `rows`, which no listener has played yet, with their artists."""
    for at in range(len(rows)):
        if rows[at].item >= 0:
            introduce(blend.tracks, blend.artists, rows[at].item, rows[at].group)


@njit_cached
def clear_listener(blend: Any, listener: int) -> None:
    """Resets all records of the listener to their values before the first event."""
    knobs, blocks, given = blend.knobs[0], blend.blocks, blend.shared[0].given
    clear_marked(blend.hated[listener], blocks, given)
    clear_marked(blend.loved[listener], blocks, given)
    clear_marked(blend.dismissed[listener], blocks, given)
    clear_context(blend.contexts[listener])
    clear_mood(blend.moods[listener])
    if knobs.ring > 0:
        clear_ring(blend.rings[listener], blocks, given)
    if knobs.leanings > 0:
        clear_leaning(blend.leanings[listener])
    if knobs.near > 0:
        forget_sessions(blend.sessions, listener)


@njit_cached
def recommend_rows(
    blend: Any,
    listeners: NDArray[np.int64],
    items: NDArray[np.int32],
    scores: NDArray[np.float64],
    reasons: NDArray[np.uint8],
) -> None:
    """Writes the list of each of `listeners`, [m], into `items`, `scores`, `reasons`, [m, k]."""
    scratch = blend.scratch[0]
    for row in range(len(listeners)):
        known = 0 <= listeners[row] < len(blend.contexts)
        score_candidates(blend, listeners[row] if known else UNKNOWN_LISTENER, NO_CODE)
        select_survivors(scratch, blend.learned[0], blend.knobs[0])
        for place in range(sort_survivors(scratch, items.shape[1])):
            slot = scratch.survivors[place]
            items[row, place] = scratch.candidates.items[slot]
            scores[row, place] = scratch.candidates.scores[slot]
            reasons[row, place] = reason_for(scratch, slot)
        clear_candidates(scratch.candidates, blend.slot_of)


@njit_cached
def score_items(
    blend: Any, listener: int, items: NDArray[np.int32], scores: NDArray[np.float64]
) -> None:
    """Writes the score of each of `items` (at most `SCORED_MAX` codes; unknown ones score 0)."""
    known = 0 <= listener < len(blend.contexts)
    scratch, slot_of = blend.scratch[0], blend.slot_of
    for item in items:
        if 0 <= item < len(slot_of):
            add_candidate(scratch.candidates, slot_of, item, _REQUESTED)
    score_candidates(blend, int(listener) if known else UNKNOWN_LISTENER, NO_CODE)
    for slot in range(scratch.candidates.held):
        if scratch.candidates.scores[slot] != EXCLUDED_SCORE:
            add_tables(scratch, blend.learned[0], blend.knobs[0].tables, slot)
    for at in range(len(items)):
        if 0 <= items[at] < len(slot_of):
            scores[at] = scratch.candidates.scores[slot_for(slot_of, items[at])]
    clear_candidates(scratch.candidates, slot_of)


@njit_cached
def rank_after(
    blend: Any,
    listener: int,
    plays: NDArray[np.int32],
    also: NDArray[np.int32],
    items: NDArray[np.int32],
    scores: NDArray[np.float64],
    reasons: NDArray[np.uint8],
    is_related: NDArray[np.bool_],
) -> tuple[int, int]:
    """Writes all candidates as if `listener` had just played `plays`, and those of `also`.

    Those that a list would be made of (survivors) come first. Returns their number, and that of
    all. All arrays have room for `SLOTS_MAX`; codes of `plays` and `also` are known ones.
    """
    scratch, slot_of = blend.scratch[0], blend.slot_of
    for item in also:
        add_candidate(scratch.candidates, slot_of, item, _REQUESTED)
    known = 0 <= listener < len(blend.contexts)
    score_candidates_after(blend, int(listener) if known else UNKNOWN_LISTENER, plays)
    select_survivors(scratch, blend.learned[0], blend.knobs[0])
    survived, candidates = scratch.survived, scratch.candidates
    for at in range(survived):
        slot_of[candidates.items[scratch.survivors[at]]] = 0  # marks it until all are written
    written = survived
    for slot in range(candidates.held):
        is_survivor = slot_for(slot_of, candidates.items[slot]) < 0
        if not is_survivor and candidates.scores[slot] != EXCLUDED_SCORE:
            add_tables(scratch, blend.learned[0], blend.knobs[0].tables, slot)
            scratch.survivors[written] = slot
            written += 1
    for at in range(written):
        slot = scratch.survivors[at]
        items[at] = candidates.items[slot]
        scores[at] = candidates.scores[slot]
        reasons[at] = reason_for(scratch, slot)
        is_related[at] = (candidates.traits[slot, SOURCES] & _OF_CONTEXT) != 0
    clear_candidates(candidates, slot_of)
    return survived, written
