"""Tables of learnt numbers, one of each is added to a candidate's score: what no line can say.

A table's bucket is chosen by a few coarse facts of the candidate and the situation together.
"""

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates import Candidates
from online_models.blend.cuts import bucket
from online_models.blend.features import (
    ARTIST_NEXT,
    COUNT_BIGRAM,
    COUNT_T,
    COUNT_T2,
    GAP,
    IN_TRIGRAM,
    OWN_TIMES,
    OWN_V,
    OWN_V_OF_TWO,
    SAME_ARTIST,
    SLOT_BIGRAM,
    SLOT_T,
    SOURCE_MASKS,
    SOURCES,
    WIDE_SHARE,
)
from online_models.blend.situation import HAS_PAIR, IS_REPEAT, LAST_OUTCOME, PATTERN, SESSION
from online_models.compiled import njit_cached

_COUNTS = np.array([1e-9, 0.3, 0.75, 1.5, 2.5, 5.0, 12.0])
_SLOTS = np.array([1.0, 2.0, 3.0, 5.0, 9.0, 17.0])
_GAPS = np.array([1.0, 2, 3, 4, 6, 9, 13, 17, 21, 31, 51, 81, 129])
_SHARES = np.array([1e-9, 0.07, 0.15, 0.3, 0.5, 0.7, 0.999])
_ARTISTS = np.array([1e-3, 1.2, 2.1])
_C, _S, _G, _W, _A = len(_COUNTS) + 1, len(_SLOTS) + 1, len(_GAPS) + 1, len(_SHARES) + 1, 4
_O, _K = 5, 3

_SIZES = (
    _C * _S * _C * 2,
    _S * _C * _C * _C,
    SOURCE_MASKS * 2 * 8,
    _G * _C * _K * _O,
    _W * _S * _S,
    2 * _A * 2 * _S * _O,
    _S * _C * _O,
    _G * 2 * 4 * _O,
    _K * _C * 2 * _S * _S,
    _C * _G * _C * _A * 2,
)
TABLES = len(_SIZES)
_FIRST = np.concatenate([[0], np.cumsum(_SIZES)[:-1]])
TABLES_SIZE = int(sum(_SIZES))


@njit_cached
def look_up(
    candidates: Candidates,
    slot: int,
    mass: float,
    pair_mass: float,
    buckets: NDArray[np.int32],
) -> None:
    """Writes the candidate's bucket in each table into `buckets`."""
    facts, features, situation = candidates.facts, candidates.features, candidates.situation
    count_t, slot_t = bucket(_COUNTS, facts[COUNT_T, slot]), bucket(_SLOTS, facts[SLOT_T, slot])
    count_b = bucket(_COUNTS, facts[COUNT_BIGRAM, slot])
    slot_b = bucket(_SLOTS, facts[SLOT_BIGRAM, slot])
    count_t2 = bucket(_COUNTS, facts[COUNT_T2, slot])
    gap, times = bucket(_GAPS, facts[GAP, slot]), bucket(_COUNTS, 0.8 * facts[OWN_TIMES, slot])
    pair = bucket(_COUNTS, facts[OWN_V_OF_TWO, slot])
    kind = 2 if facts[OWN_V_OF_TWO, slot] > 0.0 else (1 if facts[OWN_V, slot] > 0.0 else 0)
    wide = bucket(_SHARES, facts[WIDE_SHARE, slot])
    artist = bucket(_ARTISTS, features[ARTIST_NEXT, slot])
    same_artist, is_own = int(features[SAME_ARTIST, slot]), int(facts[GAP, slot] > 0.0)
    outcome = situation[LAST_OUTCOME]
    masses, pair_masses = bucket(_COUNTS, mass), bucket(_COUNTS, pair_mass)
    buckets[0] = ((count_t * _S + slot_t) * _C + masses) * 2 + situation[HAS_PAIR]
    buckets[1] = ((slot_b * _C + count_b) * _C + pair_masses) * _C + pair
    buckets[2] = (int(facts[SOURCES, slot]) * 2 + same_artist) * 8 + situation[PATTERN]
    buckets[3] = ((gap * _C + times) * _K + kind) * _O + outcome
    buckets[4] = (wide * _S + slot_t) * _S + slot_b
    buckets[5] = (((same_artist * _A + artist) * 2 + is_own) * _S + slot_t) * _O + outcome
    buckets[6] = (slot_t * _C + count_t2) * _O + outcome
    buckets[7] = ((gap * 2 + situation[IS_REPEAT]) * 4 + situation[SESSION]) * _O + outcome
    triple = int(facts[IN_TRIGRAM, slot])
    buckets[8] = (((kind * _C + pair) * 2 + triple) * _S + slot_b) * _S + slot_t
    buckets[9] = (((times * _G + gap) * _C + masses) * _A + artist) * 2 + same_artist
    for table in range(TABLES):
        buckets[table] += _FIRST[table]
