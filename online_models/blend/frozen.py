"""A frozen blend: ranks each play and updates the listener's context, but learns nothing.

It serves to evaluate the model as offline models are evaluated: trained up to a moment, then
tested. The listener's history, session context and results of lists are still updated, because
they are the input of a prediction. All counts that listeners share, and all weights, stay constant.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.base import Signal
from online_models.blend.candidates.candidate_set import clear_candidates, slot_for
from online_models.blend.learning import apply_signal, is_usable
from online_models.blend.listener.play_rings import insert_play, is_played
from online_models.blend.listener.session_contexts import BREAK_MS, advance, advance_late, is_late
from online_models.blend.listener.situations import note_outcome, note_repeat
from online_models.blend.ranking import place_of, rank_of, select_survivors
from online_models.blend.scoring import score_candidates
from online_models.kernels.compiled import njit_cached, njit_inlined

_LISTEN = int(Signal.LISTEN)


@njit_inlined
def _find_place(blend: Any, row: Any, is_in_time: bool) -> int:
    score_candidates(blend, row.user, row.item)
    scratch = blend.scratch[0]
    select_survivors(scratch, blend.learned[0], blend.knobs[0])
    target = slot_for(blend.slot_of, row.item)
    rank = rank_of(scratch, target)
    if is_in_time:
        note_outcome(blend.moods[row.user], rank, target >= 0)
    clear_candidates(scratch.candidates, blend.slot_of)
    return place_of(rank, target >= 0)


@njit_inlined
def _follow_in_time(blend: Any, row: Any) -> None:
    context, mood, size = blend.contexts[row.user], blend.moods[row.user], blend.knobs[0].ring
    is_repeat = size > 0 and is_played(blend.rings[row.user], blend.blocks, size, row.item)
    note_repeat(mood, is_repeat)
    if row.at_ms - context.newest_ms > BREAK_MS:
        mood.session = 0
    advance(context, row.item, row.at_ms)


@njit_inlined
def _follow_listen(blend: Any, row: Any) -> int:
    is_in_time = not is_late(blend.contexts[row.user], row.at_ms)
    place = _find_place(blend, row, is_in_time)
    if is_in_time:
        _follow_in_time(blend, row)
    else:
        advance_late(blend.contexts[row.user], row.item, row.at_ms)
    if blend.knobs[0].ring > 0:
        ring, given = blend.rings[row.user], blend.shared[0].given
        insert_play(ring, blend.blocks, given, blend.knobs[0].ring, row.item, row.at_ms // 1000)
    return place


@njit_cached
def follow_rows(blend: Any, rows: NDArray[Any], places: NDArray[np.int32]) -> None:
    """Ranks each of `rows` in turn and updates contexts; writes places of LISTENs into `places`."""
    for at in range(len(rows)):
        row = rows[at]
        if not is_usable(row):
            continue
        blend.shared[0].clock_ms = row.at_ms
        if row.signal == _LISTEN:
            places[at] = _follow_listen(blend, row)
        else:
            apply_signal(blend, row)
