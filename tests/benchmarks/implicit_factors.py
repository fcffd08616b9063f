"""The usual alternative: incremental matrix factorisation of plays.

Incremental SGD for positive-only feedback (Vinagre, Jorge & Gama, UMAP 2014): each play pulls the
product of its listener's and its track's factors towards 1; a list is the best products over all
tracks. NumPy does the work, as it would in a careful implementation of a few lines.
"""

import numpy as np
from numpy.typing import NDArray

FACTORS = 50
RATE, REGULARISATION = 0.05, 0.01
START_SCALE = 0.1


class ImplicitFactors:
    """Factors float32[listeners, `FACTORS`] and float32[tracks, `FACTORS`]; codes as they come."""

    def __init__(self, listeners: int, tracks: int) -> None:
        chance = np.random.default_rng(1)
        self._listeners = chance.normal(0, START_SCALE, (listeners, FACTORS)).astype(np.float32)
        self._tracks = chance.normal(0, START_SCALE, (tracks, FACTORS)).astype(np.float32)
        self._known = 0

    def rank_then_learn(self, listener: int, track: int) -> int:
        """The track's place in the listener's list of all tracks that were played, or -1."""
        place = -1
        if track < self._known:
            scores = self._tracks[: self._known] @ self._listeners[listener]
            place = int((scores > scores[track]).sum())
        self._known = max(self._known, track + 1)
        self._step(self._listeners[listener], self._tracks[track])
        return place

    def _step(self, listener: NDArray[np.float32], track: NDArray[np.float32]) -> None:
        error, before = 1 - float(listener @ track), listener.copy()
        listener += RATE * (error * track - REGULARISATION * listener)
        track += RATE * (error * before - REGULARISATION * track)
