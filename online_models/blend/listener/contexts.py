"""Where each listener is: the last tracks, the one playing now, and a separate place for late ones.

Event time alone decides. An event older than the listener's newest is late: it never moves the
context. It has a context of its own, the last late track and its time, so that a history that is
imported in order behind a live listener still teaches what follows what.
"""

from typing import Any

import numpy as np

from online_models.kernels.compiled import constant, njit_inner

BREAK_MS = 30 * 60_000
"""A longer gap between two plays ends the session."""
BREAK_S = constant(BREAK_MS // 1000)
STEPS_MAX = 3
NOBODY = constant(-1)
NOTHING = constant(-1)

CONTEXT = np.dtype(
    [
        ("newest_ms", "<i8"),  # time of the newest play
        ("late_ms", "<i8"),  # time of the newest late play
        ("last", "<i4", (STEPS_MAX,)),  # 1 + track, newest first; 0 where there was none
        ("playing", "<i4"),  # 1 + track announced by NOW_PLAYING and not played since, else 0
        ("late", "<i4"),  # 1 + the last late track, else 0
        ("linked", "<i4"),  # how many of `last` belong to the current session
    ],
    align=True,
)
"""One a listener, 40 bytes; zeros before the first play."""


@njit_inner
def clear_context(context: Any) -> None:
    """Puts it back to what it was before the first play."""
    context.newest_ms = 0
    context.late_ms = 0
    context.last[:] = 0
    context.playing = 0
    context.late = 0
    context.linked = 0


@njit_inner
def is_late(context: Any, at_ms: int) -> bool:
    """Whether the listener has played something newer than `at_ms`."""
    return at_ms < context.newest_ms


@njit_inner
def playing_before(context: Any, arriving: int) -> int:
    """The track that is playing unless it is the `arriving`, else NOTHING.

    A LISTEN follows the NOW_PLAYING of the same track; it is no repeat of itself.
    """
    playing = context.playing - 1
    return playing if playing != arriving else NOTHING


@njit_inner
def tracks_before(context: Any, arriving: int) -> tuple[int, int, int]:
    """The last three tracks, newest first, a playing one included; NOTHING where there was none."""
    x1, x2, x3 = context.last[0] - 1, context.last[1] - 1, context.last[2] - 1
    playing = playing_before(context, arriving)
    return (x1, x2, x3) if playing == NOTHING else (playing, x1, x2)


@njit_inner
def move(context: Any, track: int, at_ms: int) -> None:
    """The listener has played `track`, and nothing newer."""
    context.last[2] = context.last[1]
    context.last[1] = context.last[0]
    context.last[0] = track + 1
    if at_ms - context.newest_ms > BREAK_MS:
        context.linked = 0
    context.linked = min(context.linked + 1, STEPS_MAX)
    context.newest_ms = at_ms
    context.playing = 0


@njit_inner
def step_back(context: Any, track: int, at_ms: int) -> None:
    """The play of `track` at that time is taken back; what came before it is the last again."""
    if context.last[0] == track + 1 and context.newest_ms == at_ms:
        context.last[0] = context.last[1]
        context.last[1] = context.last[2]
        context.last[2] = 0
        context.linked = max(context.linked - 1, 0)


@njit_inner
def move_late(context: Any, track: int, at_ms: int) -> int:
    """A late play; returns the late track that it continues, or NOTHING."""
    gap_ms = at_ms - context.late_ms
    before = context.late - 1 if 0 <= gap_ms <= BREAK_MS else NOTHING
    context.late = track + 1
    context.late_ms = at_ms
    return before


@njit_inner
def start_playing(context: Any, track: int, at_ms: int) -> None:
    """`track` is playing now, unless that is old news; only a play moves the newest time."""
    if not is_late(context, at_ms):
        context.playing = track + 1
