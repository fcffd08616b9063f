"""Rewards of plays in columns, by the rules of the fold (`folding/rewards`)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.folding.rewards import rewards_of
from topics.listening_event import KIND_CODES

_LISTEN = KIND_CODES["LISTEN"]


class _Plays:
    """Rows in the form that `rewards_of` accepts."""

    def __init__(self, strings: list[str], columns: dict[str, NDArray[Any]]) -> None:
        self.strings = strings
        self.columns = columns


def rewards_of_listens(
    ms_played: NDArray[np.int32],
    duration_ms: NDArray[np.int32],
    reasons_end: NDArray[np.int32],
    words: list[str],
) -> NDArray[np.float32]:
    """float32[n] in [-1, 1]. -1 is unknown in each column; `reasons_end` are indices of `words`."""
    columns: dict[str, NDArray[Any]] = {
        "kinds": np.full(len(ms_played), _LISTEN, np.uint8),
        "ms_played": ms_played,
        "duration_ms": duration_ms,
        "reasons_end": reasons_end,
    }
    return rewards_of(_Plays(words, columns))
