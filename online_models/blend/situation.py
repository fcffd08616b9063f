"""Where the listener is, in a few small numbers: they choose weight vectors and table buckets."""

import numpy as np
from numpy.typing import NDArray

from online_models.blend.cuts import bucket
from online_models.compiled import njit_cached

_MASS = np.array([1.0, 4.0, 16.0])
_PAIR_MASS = np.array([0.5, 1.5, 4.0])
_POSITION = np.array([2.0, 4.0, 9.0])
_PLAYS = np.array([10.0, 30.0, 100.0])
_RUN = np.array([2.0, 4.0, 8.0])
_REPEATS = np.array([1.0, 4.0, 8.0])

OUTCOMES = 5
FIRST, NEAR_TOP, IN_LIST, CANDIDATE, MISSED = 0, 1, 2, 3, 4
"""How the last play stood: rank 1, 2 to 5, 6 to 20, a candidate, none."""

VECTORS_AT_ONCE = 6
_PATTERNS, _MASSES, _OUTCOMES, _POSITIONS, _RUNS = 8, 64, OUTCOMES * OUTCOMES, 32, 16
VECTORS = 1 + _PATTERNS + _MASSES + _OUTCOMES + _POSITIONS + _RUNS

PATTERN, HAS_PAIR, LAST_OUTCOME, IS_REPEAT, SESSION = 6, 7, 8, 9, 10
"""Places behind the numbers of the vectors."""
SITUATION = 11


@njit_cached
def judge(
    situation: NDArray[np.int32],
    own_next: bool,
    has_pair: bool,
    is_repeat: bool,
    mass: float,
    pair_mass: float,
    has_triple: bool,
    same_artist: bool,
    outcomes: NDArray[np.uint8],
    position: int,
    held: int,
    is_same_twice: bool,
    artist_run: int,
    repeats: int,
) -> None:
    """Fills in `situation`; masses are those of the last track's and the last pair's followers."""
    pattern = 4 * own_next + 2 * has_pair + is_repeat
    masses = 4 * bucket(_MASS, mass) + (bucket(_PAIR_MASS, pair_mass) if has_pair else 0)
    masses = 4 * masses + 2 * has_triple + same_artist
    positions = 8 * bucket(_POSITION, position) + 2 * bucket(_PLAYS, held) + is_same_twice
    runs = 4 * bucket(_RUN, artist_run) + bucket(_REPEATS, repeats)
    first = 1
    situation[0] = 0
    situation[1] = first + pattern
    first += _PATTERNS
    situation[2] = first + masses
    first += _MASSES
    situation[3] = first + OUTCOMES * outcomes[0] + outcomes[1]
    first += _OUTCOMES
    situation[4] = first + positions
    first += _POSITIONS
    situation[5] = first + runs
    situation[PATTERN] = pattern
    situation[HAS_PAIR] = has_pair
    situation[LAST_OUTCOME] = outcomes[0]
    situation[IS_REPEAT] = is_repeat
    situation[SESSION] = bucket(_POSITION, position)


@njit_cached
def nowhere(situation: NDArray[np.int32]) -> None:
    """The situation of a listener of whom nothing is known: that before the first play."""
    nothing = np.full(2, MISSED, np.uint8)
    judge(situation, False, False, False, 0.0, 0.0, False, False, nothing, 0, 0, False, 0, 0)
