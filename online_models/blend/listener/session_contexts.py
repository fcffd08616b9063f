"""Session contexts: each listener's last tracks, the track playing now, and the last late track.

Only event time decides. An event that is older than the listener's newest one is late (out of
order), and never changes the session context. Late events have a context of their own, the last
late track and its time: a history that is imported in order while the listener is live therefore
still teaches transitions.
"""

from typing import Any

import numpy as np

from online_models.kernels.compiled import constant, njit_inner

BREAK_MS = 30 * 60_000
"""The session break: a longer gap between two plays ends the session."""
BREAK_S = constant(BREAK_MS // 1000)
STEPS_MAX = 3
"""Number of last tracks that are kept."""
UNKNOWN_LISTENER = constant(-1)
"""In place of the code of a listener without records."""
NO_CODE = constant(-1)
"""In place of the code of a track or an artist: there is none, or it is unknown."""

CONTEXT = np.dtype(
    [
        ("newest_ms", "<i8"),  # time of the newest play
        ("late_ms", "<i8"),  # time of the newest late play
        ("last", "<i4", (STEPS_MAX,)),  # 1 + track, newest first; 0 if there was none
        ("playing", "<i4"),  # 1 + track of a NOW_PLAYING without a later play, or 0
        ("late", "<i4"),  # 1 + the last late track, or 0
        ("linked", "<i4"),  # how many of `last` belong to the current session
    ],
    align=True,
)
"""One per listener, 40 bytes; zeros before the first play."""


@njit_inner
def clear_context(context: Any) -> None:
    """Resets the context to its value before the first play."""
    context.newest_ms = 0
    context.late_ms = 0
    context.last[:] = 0
    context.playing = 0
    context.late = 0
    context.linked = 0


@njit_inner
def is_late(context: Any, at_ms: int) -> bool:
    """Whether the listener's newest play is later than `at_ms`."""
    return at_ms < context.newest_ms


@njit_inner
def playing_before(context: Any, arriving: int) -> int:
    """The track that is playing, or NO_CODE; it is also NO_CODE if the track is `arriving`.

    A LISTEN follows the NOW_PLAYING of the same track, and must not count as a repeat of it.
    """
    playing = context.playing - 1
    return playing if playing != arriving else NO_CODE


@njit_inner
def tracks_before(context: Any, arriving: int) -> tuple[int, int, int]:
    """The last three tracks, newest first, including one that is playing; NO_CODE if missing."""
    x1, x2, x3 = context.last[0] - 1, context.last[1] - 1, context.last[2] - 1
    playing = playing_before(context, arriving)
    return (x1, x2, x3) if playing == NO_CODE else (playing, x1, x2)


@njit_inner
def advance(context: Any, track: int, at_ms: int) -> None:
    """Advances the session context by a play of `track` that is not late."""
    context.last[2] = context.last[1]
    context.last[1] = context.last[0]
    context.last[0] = track + 1
    if at_ms - context.newest_ms > BREAK_MS:
        context.linked = 0
    context.linked = min(context.linked + 1, STEPS_MAX)
    context.newest_ms = at_ms
    context.playing = 0


@njit_inner
def retract(context: Any, track: int, at_ms: int) -> None:
    """Removes the newest play from the context, if it is of `track` at `at_ms` (RETRACT)."""
    if context.last[0] == track + 1 and context.newest_ms == at_ms:
        context.last[0] = context.last[1]
        context.last[1] = context.last[2]
        context.last[2] = 0
        context.linked = max(context.linked - 1, 0)


@njit_inner
def advance_late(context: Any, track: int, at_ms: int) -> int:
    """Advances the late context; returns the late track that the play follows, or NO_CODE."""
    gap_ms = at_ms - context.late_ms
    before = context.late - 1 if 0 <= gap_ms <= BREAK_MS else NO_CODE
    context.late = track + 1
    context.late_ms = at_ms
    return before


@njit_inner
def start_playing(context: Any, track: int, at_ms: int) -> None:
    """Notes that `track` is playing, unless the event is late; the newest time stays."""
    if not is_late(context, at_ms):
        context.playing = track + 1
