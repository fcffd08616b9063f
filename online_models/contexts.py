"""Where each listener is: the last tracks, the one playing now, and a separate place for late ones.

Event time alone decides. An event older than the listener's newest is late: it never moves the
context. It has a context of its own, the last late track and its time, so that a history that is
imported in order behind a live listener still teaches what follows what.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.compiled import njit_cached

BREAK_MS = 30 * 60_000
"""A longer gap between two plays ends the session."""
STEPS_MAX = 3
NOBODY = -1
NOTHING = -1


class Contexts(NamedTuple):
    """One row a listener, 40 bytes."""

    last: NDArray[np.int32]
    """[listeners, STEPS_MAX]: last tracks, newest first; NOTHING where there was none."""
    linked: NDArray[np.int32]
    """How many of `last` belong to the current session."""
    newest_ms: NDArray[np.int64]
    """Time of the newest play, -1 before the first."""
    playing: NDArray[np.int32]
    """Track announced by NOW_PLAYING and not played since, else NOTHING."""
    late: NDArray[np.int32]
    late_ms: NDArray[np.int64]


def no_contexts(listeners: int) -> Contexts:
    """Contexts of `listeners` who have not played anything."""
    return Contexts(
        last=np.full((listeners, STEPS_MAX), NOTHING, np.int32),
        linked=np.zeros(listeners, np.int32),
        newest_ms=np.full(listeners, -1, np.int64),
        playing=np.full(listeners, NOTHING, np.int32),
        late=np.full(listeners, NOTHING, np.int32),
        late_ms=np.full(listeners, -1, np.int64),
    )


@njit_cached
def clear_context(contexts: Contexts, listener: int) -> None:
    """Puts the row back to what it was before the first play."""
    contexts.last[listener] = NOTHING
    contexts.linked[listener] = 0
    contexts.newest_ms[listener] = -1
    contexts.playing[listener] = NOTHING
    contexts.late[listener] = NOTHING
    contexts.late_ms[listener] = -1


@njit_cached
def is_late(contexts: Contexts, listener: int, at_ms: int) -> bool:
    """Whether the listener has played something newer than `at_ms`."""
    return at_ms < contexts.newest_ms[listener]


@njit_cached
def tracks_before(contexts: Contexts, listener: int, arriving: int) -> tuple[int, int, int]:
    """The last three tracks, newest first, a playing one included unless it is the `arriving`.

    A LISTEN follows the NOW_PLAYING of the same track; it is no repeat of itself.
    """
    last = contexts.last[listener]
    playing = contexts.playing[listener]
    if playing != NOTHING and playing != arriving:
        return playing, last[0], last[1]
    return last[0], last[1], last[2]


@njit_cached
def move(contexts: Contexts, listener: int, track: int, at_ms: int) -> None:
    """The listener has played `track`, and nothing newer."""
    last = contexts.last[listener]
    last[2], last[1], last[0] = last[1], last[0], track
    if at_ms - contexts.newest_ms[listener] > BREAK_MS:
        contexts.linked[listener] = 0
    contexts.linked[listener] = min(contexts.linked[listener] + 1, STEPS_MAX)
    contexts.newest_ms[listener] = at_ms
    contexts.playing[listener] = NOTHING


@njit_cached
def move_late(contexts: Contexts, listener: int, track: int, at_ms: int) -> int:
    """A late play; returns the late track that it continues, or NOTHING."""
    gap_ms = at_ms - contexts.late_ms[listener]
    before = contexts.late[listener] if 0 <= gap_ms <= BREAK_MS else NOTHING
    contexts.late[listener] = track
    contexts.late_ms[listener] = at_ms
    return before


@njit_cached
def start_playing(contexts: Contexts, listener: int, track: int, at_ms: int) -> None:
    """`track` is playing now, unless that is old news; only a play moves the newest time."""
    if not is_late(contexts, listener, at_ms):
        contexts.playing[listener] = track
