"""Given plays: a queue that a query names is put before the plays that the model remembers.

It happens in scratch memory alone, so that a query changes nothing. The result is the context that
the listener would have if they had just played the queue, as a session of its own: it begins
after a session break, and each of its tracks lasts `PLAY_S`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.listener.session_contexts import BREAK_S, STEPS_MAX
from online_models.kernels.compiled import constant, njit_inner

PLAY_S = constant(200)
"""The length that a given play is taken to have, in seconds: about that of a song."""


@njit_inner
def put_before_last(last: Any, plays: NDArray[np.int32]) -> None:
    """Puts the newest of `plays`, oldest first, before the listener's last tracks."""
    given = min(len(plays), STEPS_MAX)
    for step in range(STEPS_MAX - 1, -1, -1):
        if step < given:
            last[step] = plays[len(plays) - 1 - step]
        else:
            last[step] = last[step - given]


@njit_inner
def put_before_recent(recent: Any, plays: NDArray[np.int32], size: int, now_s: int) -> None:
    """Puts `plays`, oldest first, before the listener's own, of which the oldest are left out.

    At most `size` plays remain. `now_s`: the time of the last event of anybody.
    """
    given = min(len(plays), size)
    if given == 0:
        return
    begun_s = max(now_s, recent.at_s[0] + BREAK_S + 1 if recent.held > 0 else now_s)
    held = min(recent.held, size - given)
    for at in range(held - 1, -1, -1):
        recent.tracks[at + given] = recent.tracks[at]
        recent.at_s[at + given] = recent.at_s[at]
    for at in range(given):
        recent.tracks[at] = plays[len(plays) - 1 - at]
        recent.at_s[at] = begun_s + (given - 1 - at) * PLAY_S
    recent.held = held + given
    recent.session = given
