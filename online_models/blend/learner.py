"""Weights that learn from the ranking of every play.

A score is a sum of learnt numbers: features times weights, and a number of one bucket of each
table. The chance of each ranked candidate is the softmax of its score; the gradient of the played
one's log chance moves every number that took part. Method: multinomial logit learnt online with
AdaGrad (Duchi, Hazan & Singer 2011). The weights of a listener in a situation are the sum of the
vectors of all that is so: one for everybody, one for each situation, one of the listener's own.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.arithmetic import exp_of_negative
from online_models.blend.candidates import Candidates
from online_models.blend.features import FEATURES, START
from online_models.blend.situation import VECTORS, VECTORS_AT_ONCE
from online_models.blend.tables import TABLES, TABLES_SIZE
from online_models.compiled import njit_cached

RATE = 0.02
TABLES_RATE = 0.05
FIRST_SQUARE = 0.01
CHANCE_MIN = 0.0002
"""Candidates with less of a chance do not move anything, unless they are the one played."""


class Learnt(NamedTuple):
    """Numbers that all listeners share, and the sums of the squares of their gradients."""

    vectors: NDArray[np.float32]
    """[VECTORS, FEATURES]"""
    vector_squares: NDArray[np.float32]
    buckets: NDArray[np.float32]
    """[TABLES_SIZE]"""
    bucket_squares: NDArray[np.float32]


class OwnWeights(NamedTuple):
    """What a listener's own weights differ by; 200 bytes a listener."""

    vectors: NDArray[np.float32]
    """[listeners, FEATURES]"""
    squares: NDArray[np.float32]


def nothing_learnt() -> Learnt:
    """Numbers before the first play."""
    vectors = np.zeros((VECTORS, FEATURES), np.float32)
    for feature, weight in START.items():
        vectors[0, feature] = weight
    return Learnt(
        vectors,
        np.full((VECTORS, FEATURES), FIRST_SQUARE, np.float32),
        np.zeros(TABLES_SIZE, np.float32),
        np.full(TABLES_SIZE, FIRST_SQUARE, np.float32),
    )


def no_own_weights(listeners: int) -> OwnWeights:
    """Listeners who differ in nothing."""
    return OwnWeights(
        np.zeros((listeners, FEATURES), np.float32),
        np.full((listeners, FEATURES), FIRST_SQUARE, np.float32),
    )


@njit_cached
def clear_own_weights(own: OwnWeights, listener: int) -> None:
    """Forgets what is the listener's own."""
    own.vectors[listener] = 0.0
    own.squares[listener] = FIRST_SQUARE


@njit_cached
def weigh(candidates: Candidates, learnt: Learnt, own: OwnWeights, listener: int) -> None:
    """Sums up the weights that hold for the listener (-1: nobody) in this situation."""
    weights = candidates.weights
    weights[:] = 0.0
    for at in range(VECTORS_AT_ONCE):
        vector = learnt.vectors[candidates.situation[at]]
        for feature in range(FEATURES):
            weights[feature] += vector[feature]
    if listener >= 0:
        vector = own.vectors[listener]
        for feature in range(FEATURES):
            weights[feature] += vector[feature]


@njit_cached
def learn(
    candidates: Candidates, learnt: Learnt, own: OwnWeights, listener: int, played: int, gain: float
) -> None:
    """Moves weights and buckets towards the candidate in slot `played`, one of those ranked."""
    _take_chances(candidates)
    slopes = candidates.slopes
    slopes[:] = 0.0
    for at in range(candidates.ranked[0]):
        slot, chance = candidates.chosen[at], candidates.chances[at]
        if slot != played and chance < CHANCE_MIN:
            continue
        slope = gain * (chance - (1.0 if slot == played else 0.0))
        for feature in range(FEATURES):
            slopes[feature] += slope * candidates.features[feature, slot]
        for table in range(TABLES):
            _step(learnt.buckets, learnt.bucket_squares, candidates.buckets[at, table], slope)
    for at in range(VECTORS_AT_ONCE):
        row = candidates.situation[at]
        _move(learnt.vectors[row], learnt.vector_squares[row], slopes)
    _move(own.vectors[listener], own.squares[listener], slopes)


@njit_cached
def _step(
    buckets: NDArray[np.float32], squares: NDArray[np.float32], bucket: int, slope: float
) -> None:
    square = squares[bucket] + slope * slope
    squares[bucket] = square
    buckets[bucket] -= TABLES_RATE * slope / sqrt(square)


@njit_cached
def _move(
    vector: NDArray[np.float32], squares: NDArray[np.float32], slopes: NDArray[np.float64]
) -> None:
    for feature in range(FEATURES):
        slope = slopes[feature]
        if slope != 0.0:
            square = squares[feature] + slope * slope
            squares[feature] = square
            vector[feature] -= RATE * slope / sqrt(square)


@njit_cached
def _take_chances(candidates: Candidates) -> None:
    """Softmax of the scores of the ranked candidates."""
    ranked, chances = candidates.ranked[0], candidates.chances
    most = candidates.scores[candidates.chosen[0]]
    for at in range(1, ranked):
        most = max(most, candidates.scores[candidates.chosen[at]])
    total = 0.0
    for at in range(ranked):
        chances[at] = exp_of_negative(candidates.scores[candidates.chosen[at]] - most)
        total += chances[at]
    for at in range(ranked):
        chances[at] /= total
