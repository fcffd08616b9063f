"""What a row teaches: a play teaches the experts, a word the listener's own records."""

from typing import Any

import numpy as np

from online_models.base import AT_MS_MAX, Signal
from online_models.blend.experts.roster import count_all, learn_all, learn_late_all
from online_models.blend.listener.contexts import (
    BREAK_S,
    NOTHING,
    is_late,
    move,
    move_late,
    playing_before,
    start_playing,
    step_back,
)
from online_models.blend.listener.marks import mark, unmark
from online_models.blend.listener.play_rings import is_played, recall, remember, take_back
from online_models.blend.listener.situations import note_repeat
from online_models.blend.weight_updates import rank_and_blend
from online_models.kernels.compiled import njit_inlined, njit_inner

_NOW_PLAYING, _RETRACT = int(Signal.NOW_PLAYING), int(Signal.RETRACT)
_LOVE, _HATE = int(Signal.LOVE), int(Signal.HATE)


@njit_inlined
def is_usable(row: Any) -> bool:
    """Whether the row says something: who, what, when, in words that there are."""
    is_known = row.user >= 0 and row.item >= 0
    return is_known and 0 <= row.at_ms <= AT_MS_MAX and row.signal <= _RETRACT


@njit_inner
def gain_of(y: float) -> float:
    """What a play counts: its reward, at most 1; a play without a reward was a play."""
    return 1.0 if np.isnan(y) else min(max(y, 0.0), 1.0)


@njit_inlined
def _learn_in_time(blend: Any, row: Any, gain: float, is_recalled: bool) -> None:
    recent, size, is_repeat = blend.scratch[0].recent, blend.knobs[0].ring, False
    if size > 0:
        ring, blocks = blend.rings[row.user], blend.blocks
        is_repeat = is_played(ring, blocks, size, row.item)
        if not is_recalled:
            recall(recent, ring, blocks, size, NOTHING, BREAK_S, max(blend.knobs[0].window, 1))
    if gain > 0.0:
        learn_all(blend, row, gain)
    note_repeat(blend.moods[row.user], is_repeat)
    move(blend.contexts[row.user], row.item, row.at_ms)


@njit_inlined
def _learn_late(blend: Any, row: Any, gain: float) -> None:
    before = move_late(blend.contexts[row.user], row.item, row.at_ms)
    if before != NOTHING and gain > 0.0:
        learn_late_all(blend, before, row.item, gain)


@njit_inlined
def _learn_play(blend: Any, row: Any, is_in_time: bool, is_recalled: bool) -> None:
    knobs, gain = blend.knobs[0], gain_of(np.float64(row.y))
    if knobs.artists > 0 and row.group >= 0:
        blend.tracks[row.item].artist = row.group + 1
    if is_in_time:
        _learn_in_time(blend, row, gain, is_recalled)
    else:
        _learn_late(blend, row, gain)
    if knobs.ring > 0:
        ring, given = blend.rings[row.user], blend.shared[0].given
        remember(ring, blend.blocks, given, knobs.ring, row.item, row.at_ms // 1000)
    if gain > 0.0:
        count_all(blend, row.item, gain)


@njit_inlined
def learn_listen(blend: Any, row: Any, evaluate: bool) -> int:
    """Ranks, where it is asked for or a lesson, then learns; returns the rank."""
    is_in_time = not is_late(blend.contexts[row.user], row.at_ms)
    rank, every, shared = -1, blend.knobs[0].blend_every, blend.shared[0]
    is_recalled = False
    is_lesson = is_in_time and every > 0 and shared.plays % max(every, 1) == 0
    if evaluate or is_lesson:
        rank = rank_and_blend(blend, row.user, row.item, is_lesson)
        is_recalled = playing_before(blend.contexts[row.user], row.item) == NOTHING
    shared.plays += is_in_time
    _learn_play(blend, row, is_in_time, is_recalled)
    return rank if evaluate else -1


@njit_inlined
def _judge(blend: Any, row: Any) -> None:
    """LOVE and HATE mark a track, the one instead of the other; CLEAR takes back both."""
    loved, hated, blocks = blend.loved[row.user], blend.hated[row.user], blend.blocks
    given = blend.shared[0].given
    unmark(loved, blocks, given, row.item)
    unmark(hated, blocks, given, row.item)
    if row.signal == _LOVE:
        mark(loved, blocks, given, row.item)
    elif row.signal == _HATE:
        mark(hated, blocks, given, row.item)


@njit_inlined
def learn_word(blend: Any, row: Any) -> None:
    """What a listener says, as against plays."""
    user, size, context = row.user, blend.knobs[0].ring, blend.contexts[row.user]
    if row.signal == _NOW_PLAYING:
        start_playing(context, row.item, row.at_ms)
    elif row.signal == _RETRACT:
        step_back(context, row.item, row.at_ms)
        if size > 0:
            take_back(blend.rings[user], blend.blocks, size, row.item, row.at_ms // 1000)
    else:
        _judge(blend, row)
