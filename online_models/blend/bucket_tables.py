"""Bucket tables: corrections to a score, looked up by combinations of traits (feature crosses).

score(track) += sum over tables t of cells[t, key_t(traits of the track, facts of the situation)]

The linear weights add up features; a table learns how traits interact. For example, a transition
that was seen once, from a track that was seen once, is weaker evidence than one seen twenty times;
and own habits matter more after a list that missed. Each key has its own cell, so that there are
no hash collisions.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates.features import (
    AFTER_LEVEL,
    AGE,
    ARTIST_LEVEL,
    COMPANY_COUNT,
    COUNT_BI,
    COUNT_T,
    COUNT_T2,
    GAP,
    KIND,
    NEAR_LEVEL,
    NEXT_2,
    OF_ARTIST,
    OWN_COUNT,
    SLOT_BI,
    SLOT_T,
    SLOT_TRI,
    SOURCES,
    WIDE_COUNT,
    WIDE_LEVEL,
)
from online_models.blend.listener.situations import (
    BIGRAM_KNOWN,
    MASS_BI,
    MASS_T,
    OUTCOME,
    OWN_NEXT_KNOWN,
    PLACE,
    PLAY_TIME,
    REPEATED,
    RUN,
)
from online_models.kernels.compiled import njit_inner

GAP_LEVELS = 16
"""Number of values of the trait `GAP`."""
SIZES = (
    8 * 7 * 4 * 2,
    5 * 8 * 4 * 3,
    1024 * 2 * 8,
    GAP_LEVELS * 8 * 7 * 5,
    7 * 7 * 5,
    2 * 4 * 2 * 7 * 5,
    7 * 8 * 5,
    GAP_LEVELS * 2 * 4 * 5,
    7 * 3 * 2 * 5 * 7,
    8 * GAP_LEVELS * 4 * 4 * 2,
    9 * 7 * 7 * 2,
    GAP_LEVELS * 9 * 8,
    6 * 7 * 7,
    7 * 7 * 7,
    7 * 7 * 5,
    4 * 2 * GAP_LEVELS * 4,
    9 * 7 * 2 * 7,
)
"""Number of cells of each table."""
FIRSTS = np.cumsum([0, *SIZES])[:-1]
"""First cell of each table."""
TABLES = len(SIZES)
TABLES_OF_FAST = 11
CELLS = sum(SIZES)


@njit_inner
def find_cells(
    traits: NDArray[np.int32], facts: Any, tables: int, cells: NDArray[np.int32]
) -> None:
    """Writes into `cells`, [TABLES], the cell of each of the first `tables` tables.

    `traits`, [TRAITS]: of the candidate. `facts`, [FACTS]: of the listener's situation.
    """
    t, outcome, mass_t = traits, facts[OUTCOME], facts[MASS_T]
    known = (facts[OWN_NEXT_KNOWN] * 2 + facts[BIGRAM_KNOWN]) * 2 + facts[REPEATED]
    is_own = np.int32(t[GAP] > 0)
    cells[0] = ((t[COUNT_T] * 7 + t[SLOT_T]) * 4 + mass_t) * 2 + np.int32(t[SLOT_BI] > 0)
    cells[1] = ((t[SLOT_BI] * 8 + t[COUNT_BI]) * 4 + facts[MASS_BI]) * 3 + t[NEXT_2]
    cells[2] = (t[SOURCES] * 2 + t[OF_ARTIST]) * 8 + known
    cells[3] = ((t[GAP] * 8 + t[OWN_COUNT]) * 7 + t[KIND]) * 5 + outcome
    cells[4] = (t[WIDE_LEVEL] * 7 + t[SLOT_T]) * 5 + t[SLOT_BI]
    cells[5] = (((t[OF_ARTIST] * 4 + t[ARTIST_LEVEL]) * 2 + is_own) * 7 + t[SLOT_T]) * 5 + outcome
    cells[6] = (t[SLOT_T] * 8 + t[COUNT_T2]) * 5 + outcome
    cells[7] = ((t[GAP] * 2 + facts[REPEATED]) * 4 + facts[PLACE]) * 5 + outcome
    cells[8] = (((t[KIND] * 3 + t[NEXT_2]) * 2 + t[SLOT_TRI]) * 5 + t[SLOT_BI]) * 7 + t[SLOT_T]
    cells[9] = (((t[OWN_COUNT] * GAP_LEVELS + t[GAP]) * 4 + mass_t) * 4 + t[ARTIST_LEVEL]) * 2 + t[
        OF_ARTIST
    ]
    cells[10] = ((t[WIDE_COUNT] * 7 + t[WIDE_LEVEL]) * 7 + t[SLOT_T]) * 2 + is_own
    if tables > TABLES_OF_FAST:
        cells[11] = (t[GAP] * 9 + t[AGE]) * 8 + t[OWN_COUNT]
        cells[12] = (facts[PLAY_TIME] * 7 + t[KIND]) * 7 + t[SLOT_T]
        cells[13] = (t[NEAR_LEVEL] * 7 + t[WIDE_LEVEL]) * 7 + t[SLOT_T]
        cells[14] = (t[AFTER_LEVEL] * 7 + t[KIND]) * 5 + t[SLOT_BI]
        cells[15] = ((facts[RUN] * 2 + t[OF_ARTIST]) * GAP_LEVELS + t[GAP]) * 4 + t[ARTIST_LEVEL]
        cells[16] = ((t[WIDE_COUNT] * 7 + t[COMPANY_COUNT]) * 2 + is_own) * 7 + t[NEAR_LEVEL]
    for table in range(tables):
        cells[table] += FIRSTS[table]
