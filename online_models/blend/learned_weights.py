"""The blend: weights that learn from every play which expert to believe, in which situation.

The score of a candidate is linear in its features, with weights that are sums of vectors (for
everything, for each kind of situation, for the listener), plus cells of bucket tables. A softmax
over the survivors is fitted by AdaGrad (Duchi, Hazan & Singer 2011): G += g², w += rate · g / √G.
"""

from math import sqrt
from typing import Any

import numpy as np

from online_models.blend.bucket_tables import CELLS
from online_models.blend.candidates.features import FEATURES
from online_models.blend.listener.situations import SITUATIONS, VECTORS
from online_models.kernels.compiled import njit_inner

FIRST_SQUARE = 0.01


LEARNED = np.dtype(
    [
        ("vectors", "<f8", (sum(VECTORS), FEATURES)),  # less the weights of the start
        ("squares", "<f8", (sum(VECTORS), FEATURES)),  # less `FIRST_SQUARE`
        ("cells", "<f8", (CELLS,)),
        ("cell_squares", "<f8", (CELLS,)),
    ],
    align=True,
)
"""What is learnt for all listeners together."""
LEANING = np.dtype([("offsets", "<f4", (FEATURES,)), ("squares", "<f4", (FEATURES,))], align=True)
"""What is learnt for one listener, 8 bytes a feature."""


@njit_inner
def clear_leaning(leaning: Any) -> None:
    """Forgets what was learnt of the listener."""
    leaning.offsets[:] = 0.0
    leaning.squares[:] = 0.0


@njit_inner
def sum_weights(learned: Any, vectors: Any, start: Any, weights: Any) -> None:
    """Writes the weights that hold in a situation, whoever the listener is."""
    for f in range(FEATURES):
        weights[f] = start[f]
    for kind in range(SITUATIONS):
        for f in range(FEATURES):
            weights[f] += learned.vectors[vectors[kind], f]


@njit_inner
def add_leaning(leaning: Any, weights: Any) -> None:
    """Adds the listener's own part to the weights."""
    for f in range(FEATURES):
        weights[f] += leaning.offsets[f]


@njit_inner
def step_vectors(learned: Any, vectors: Any, gradient: Any, rate: float) -> None:
    """One step uphill for every vector that held."""
    for kind in range(SITUATIONS):
        row = vectors[kind]
        for f in range(FEATURES):
            g = gradient[f]
            learned.squares[row, f] += g * g
            learned.vectors[row, f] += rate * g / sqrt(learned.squares[row, f] + FIRST_SQUARE)


@njit_inner
def step_leaning(leaning: Any, gradient: Any, rate: float) -> None:
    """One step uphill for the listener's own part."""
    for f in range(FEATURES):
        g = gradient[f]
        leaning.squares[f] += g * g
        leaning.offsets[f] += rate * g / sqrt(np.float64(leaning.squares[f]) + FIRST_SQUARE)


@njit_inner
def step_cell(learned: Any, cell: int, g: float, rate: float) -> None:
    """One step uphill for one cell."""
    learned.cell_squares[cell] += g * g
    learned.cells[cell] += rate * g / sqrt(learned.cell_squares[cell] + FIRST_SQUARE)
