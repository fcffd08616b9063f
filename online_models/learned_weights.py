"""The blend: weights that learn from every play which expert to believe, in which situation.

The score of a candidate is linear in its features, with weights that are sums of vectors (for
everything, for each kind of situation, for the listener), plus cells of bucket tables. A softmax
over the survivors is fitted by AdaGrad (Duchi, Hazan & Singer 2011): G += g², w += rate · g / √G.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.bucket_tables import CELLS
from online_models.compiled import njit_cached
from online_models.features import FEATURES
from online_models.situations import SITUATIONS, VECTORS

FIRST_SQUARE = 0.01


class Learned(NamedTuple):
    """What is learnt for all listeners together."""

    vectors: NDArray[np.float64]
    """[vectors, FEATURES]"""
    squares: NDArray[np.float64]
    cells: NDArray[np.float64]
    """[CELLS]"""
    cell_squares: NDArray[np.float64]


class Leanings(NamedTuple):
    """What is learnt for one listener: 8 bytes a feature."""

    offsets: NDArray[np.float32]
    """[listeners, FEATURES]"""
    squares: NDArray[np.float32]
    """Less `FIRST_SQUARE`."""


def first_weights(start: NDArray[np.float64]) -> Learned:
    """Weights that have learnt nothing."""
    vectors = np.zeros((sum(VECTORS), FEATURES))
    vectors[0] = start
    return Learned(
        vectors=vectors,
        squares=np.full(vectors.shape, FIRST_SQUARE),
        cells=np.zeros(CELLS),
        cell_squares=np.full(CELLS, FIRST_SQUARE),
    )


def no_leanings(listeners: int) -> Leanings:
    """Listeners who are like everybody."""
    return Leanings(
        np.zeros((listeners, FEATURES), np.float32), np.zeros((listeners, FEATURES), np.float32)
    )


@njit_cached
def clear_leanings(leanings: Leanings, listener: int) -> None:
    """Forgets what was learnt of the listener."""
    leanings.offsets[listener] = 0.0
    leanings.squares[listener] = 0.0


@njit_cached
def sum_weights(
    learned: Learned,
    leanings: Leanings,
    vectors: NDArray[np.int64],
    listener: int,
    weights: NDArray[np.float64],
) -> None:
    """Writes the weights that hold now; `listener` is negative if there is none."""
    for f in range(FEATURES):
        weights[f] = learned.vectors[vectors[0], f]
    for kind in range(1, SITUATIONS):
        for f in range(FEATURES):
            weights[f] += learned.vectors[vectors[kind], f]
    if listener >= 0 and len(leanings.offsets) > 0:
        for f in range(FEATURES):
            weights[f] += leanings.offsets[listener, f]


@njit_cached
def step_vectors(
    learned: Learned,
    leanings: Leanings,
    vectors: NDArray[np.int64],
    listener: int,
    gradient: NDArray[np.float64],
    rate: float,
) -> None:
    """One step uphill for every vector that held."""
    for kind in range(SITUATIONS):
        row = vectors[kind]
        for f in range(FEATURES):
            g = gradient[f]
            learned.squares[row, f] += g * g
            learned.vectors[row, f] += rate * g / sqrt(learned.squares[row, f])
    if len(leanings.offsets) > 0:
        for f in range(FEATURES):
            g = gradient[f]
            leanings.squares[listener, f] += g * g
            square = np.float64(leanings.squares[listener, f]) + FIRST_SQUARE
            leanings.offsets[listener, f] += rate * g / sqrt(square)


@njit_cached
def step_cell(learned: Learned, cell: int, g: float, rate: float) -> None:
    """One step uphill for one cell."""
    learned.cell_squares[cell] += g * g
    learned.cells[cell] += rate * g / sqrt(learned.cell_squares[cell])
