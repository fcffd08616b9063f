"""Learned weights of the ranking: how much each feature counts, in which situation.

The score of a candidate is linear in its features. Its weights are a sum of vectors: one for all
situations, one for each kind of situation, and one for the listener. Cells of bucket tables are
added. The log-likelihood of the played track, under a softmax over the selected candidates, is
maximised online by AdaGrad (Duchi, Hazan & Singer 2011):

    g = gradient of ln P(played track);  G += g²;  w += rate · g / √(G + .01)
"""

from math import sqrt
from typing import Any

import numpy as np

from online_models.blend.bucket_tables import CELLS
from online_models.blend.candidates.features import FEATURES
from online_models.blend.listener.situations import SITUATIONS, VECTORS
from online_models.kernels.compiled import njit_inner

FIRST_SQUARE = 0.01
"""Initial sum of squared gradients; it bounds the first steps."""


LEARNED = np.dtype(
    [
        ("vectors", "<f8", (sum(VECTORS), FEATURES)),  # added to the initial weights
        ("squares", "<f8", (sum(VECTORS), FEATURES)),  # without `FIRST_SQUARE`
        ("cells", "<f8", (CELLS,)),
        ("cell_squares", "<f8", (CELLS,)),
    ],
    align=True,
)
"""Weights, and sums of squared gradients, that all listeners share."""
LEANING = np.dtype([("offsets", "<f4", (FEATURES,)), ("squares", "<f4", (FEATURES,))], align=True)
"""One listener's own weight offsets (personalisation), 8 bytes per feature."""


@njit_inner
def clear_leaning(leaning: Any) -> None:
    """Resets the listener's own weights."""
    leaning.offsets[:] = 0.0
    leaning.squares[:] = 0.0


@njit_inner
def sum_weights(learned: Any, vectors: Any, start: Any, weights: Any) -> None:
    """Writes the weights in a situation, without the listener's own, into `weights`.

    `vectors`, [SITUATIONS]: rows of `learned.vectors`. `start` and `weights`: [FEATURES].
    """
    for f in range(FEATURES):
        weights[f] = start[f]
    for kind in range(SITUATIONS):
        for f in range(FEATURES):
            weights[f] += learned.vectors[vectors[kind], f]


@njit_inner
def add_leaning(leaning: Any, weights: Any) -> None:
    """Adds the listener's own offsets to `weights`."""
    for f in range(FEATURES):
        weights[f] += leaning.offsets[f]


@njit_inner
def step_vectors(learned: Any, vectors: Any, gradient: Any, rate: float) -> None:
    """An AdaGrad step for each weight vector of the situation; `gradient`: [FEATURES]."""
    for kind in range(SITUATIONS):
        row = vectors[kind]
        for f in range(FEATURES):
            g = gradient[f]
            learned.squares[row, f] += g * g
            learned.vectors[row, f] += rate * g / sqrt(learned.squares[row, f] + FIRST_SQUARE)


@njit_inner
def step_leaning(leaning: Any, gradient: Any, rate: float) -> None:
    """An AdaGrad step for the listener's own offsets."""
    for f in range(FEATURES):
        g = gradient[f]
        leaning.squares[f] += g * g
        leaning.offsets[f] += rate * g / sqrt(np.float64(leaning.squares[f]) + FIRST_SQUARE)


@njit_inner
def step_cell(learned: Any, cell: int, g: float, rate: float) -> None:
    """An AdaGrad step for one cell of a bucket table."""
    learned.cell_squares[cell] += g * g
    learned.cells[cell] += rate * g / sqrt(learned.cell_squares[cell] + FIRST_SQUARE)
