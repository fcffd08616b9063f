"""Learning from one event: a play updates the experts, other signals the listener's records."""

from typing import Any

import numpy as np

from online_models.base import AT_MS_MAX, Signal
from online_models.blend.experts.roster import count_all, learn_all, learn_late_all
from online_models.blend.listener.explicit_feedback import (
    DISMISSED_S,
    mark,
    time_of_mark,
    unmark,
)
from online_models.blend.listener.play_rings import insert_play, is_played, read_recent, remove_play
from online_models.blend.listener.session_contexts import (
    BREAK_S,
    NO_CODE,
    advance,
    advance_late,
    is_late,
    playing_before,
    retract,
    start_playing,
)
from online_models.blend.listener.situations import note_repeat
from online_models.blend.weight_updates import rank_and_update
from online_models.kernels.compiled import njit_inlined, njit_inner

_NOW_PLAYING, _RETRACT = int(Signal.NOW_PLAYING), int(Signal.RETRACT)
_LOVE, _HATE, _DISMISS = int(Signal.LOVE), int(Signal.HATE), int(Signal.DISMISS)
_SKIP = int(Signal.SKIP)
_LAST_SIGNAL = max(map(int, Signal))


@njit_inlined
def is_usable(row: Any) -> bool:
    """Whether the row has a listener, a track, a valid time and a known signal."""
    is_known = row.user >= 0 and row.item >= 0
    return is_known and 0 <= row.at_ms <= AT_MS_MAX and row.signal <= _LAST_SIGNAL


@njit_inner
def gain_of(y: float) -> float:
    """The weight of a play: its reward clipped to [0, 1]; 1 without a reward."""
    return 1.0 if np.isnan(y) else min(max(y, 0.0), 1.0)


@njit_inlined
def _learn_in_time(blend: Any, row: Any, gain: float, is_recent_read: bool) -> None:
    recent, size, is_repeat = blend.scratch[0].recent, blend.knobs[0].ring, False
    if size > 0:
        ring, blocks = blend.rings[row.user], blend.blocks
        is_repeat = is_played(ring, blocks, size, row.item)
        if not is_recent_read:
            read_recent(recent, ring, blocks, size, NO_CODE, BREAK_S, max(blend.knobs[0].window, 1))
    if gain > 0.0:
        learn_all(blend, row, gain)
    note_repeat(blend.moods[row.user], is_repeat)
    advance(blend.contexts[row.user], row.item, row.at_ms)


@njit_inlined
def _learn_late(blend: Any, row: Any, gain: float) -> None:
    before = advance_late(blend.contexts[row.user], row.item, row.at_ms)
    if before != NO_CODE and gain > 0.0:
        learn_late_all(blend, before, row.item, gain)


@njit_inlined
def _learn_play(blend: Any, row: Any, is_in_time: bool, is_recent_read: bool) -> None:
    knobs, gain = blend.knobs[0], gain_of(np.float64(row.y))
    if knobs.artists > 0 and row.group >= 0:
        blend.tracks[row.item].artist = row.group + 1
    if is_in_time:
        _learn_in_time(blend, row, gain, is_recent_read)
    else:
        _learn_late(blend, row, gain)
    if knobs.ring > 0:
        ring, given = blend.rings[row.user], blend.shared[0].given
        insert_play(ring, blend.blocks, given, knobs.ring, row.item, row.at_ms // 1000)
    if gain > 0.0:
        count_all(blend, row.item, gain)


@njit_inlined
def learn_listen(blend: Any, row: Any, evaluate: bool) -> int:
    """Ranks the track if `evaluate` or a weight update is due, then learns; returns the place."""
    is_in_time = not is_late(blend.contexts[row.user], row.at_ms)
    rank, every, shared = -1, blend.knobs[0].blend_every, blend.shared[0]
    is_recent_read = False
    is_update = is_in_time and every > 0 and shared.plays % max(every, 1) == 0
    if evaluate or is_update:
        rank = rank_and_update(blend, row.user, row.item, is_update)
        is_recent_read = playing_before(blend.contexts[row.user], row.item) == NO_CODE
    shared.plays += is_in_time
    _learn_play(blend, row, is_in_time, is_recent_read)
    return rank if evaluate else -1


@njit_inlined
def _apply_feedback(blend: Any, row: Any) -> None:
    """Explicit feedback: LOVE and HATE mark a track and exclude each other; CLEAR removes both.

    DISMISS says nothing about love and hate. Each of those ends a dismissal.
    """
    loved, hated = blend.loved[row.user], blend.hated[row.user]
    dismissed, at_s = blend.dismissed[row.user], row.at_ms // 1000
    blocks, given = blend.blocks, blend.shared[0].given
    unmark(dismissed, blocks, given, row.item)
    if row.signal == _DISMISS:
        mark(dismissed, blocks, given, row.item, at_s)
        return
    unmark(loved, blocks, given, row.item)
    unmark(hated, blocks, given, row.item)
    if row.signal == _LOVE:
        mark(loved, blocks, given, row.item, at_s)
    elif row.signal == _HATE:
        mark(hated, blocks, given, row.item, at_s)


@njit_inlined
def _apply_skip(blend: Any, row: Any) -> None:
    """Weak evidence of a skip: a dismissal that ends sooner, unless a later one is there."""
    lasts_s, dismissed = blend.knobs[0].skipped_s, blend.dismissed[row.user]
    at_s = max(row.at_ms // 1000 - DISMISSED_S + lasts_s, 0)
    if lasts_s > 0 and at_s > time_of_mark(dismissed, blend.blocks, row.item):
        mark(dismissed, blend.blocks, blend.shared[0].given, row.item, at_s)


@njit_inlined
def apply_signal(blend: Any, row: Any) -> None:
    """Applies a signal other than LISTEN: explicit feedback, NOW_PLAYING, RETRACT or SKIP."""
    user, size, context = row.user, blend.knobs[0].ring, blend.contexts[row.user]
    if row.signal == _NOW_PLAYING:
        start_playing(context, row.item, row.at_ms)
    elif row.signal == _RETRACT:
        retract(context, row.item, row.at_ms)
        if size > 0:
            remove_play(blend.rings[user], blend.blocks, size, row.item, row.at_ms // 1000)
    elif row.signal == _SKIP:
        _apply_skip(blend, row)
    else:
        _apply_feedback(blend, row)
