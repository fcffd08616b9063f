"""The n-gram expert: what is played after the last two, or three, tracks in this order.

Variable-order Markov chains as in context trees (Mi & Faltings 2017), orders two and three. The
contexts live in a bounded hash map: when it is full, a hand goes round and evicts the next
context that was not met again since the hand passed it last (the clock, or second-chance, policy).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.buckets import COUNT_CUTS, SLOTS, bucket_of
from online_models.candidates import Candidates, propose
from online_models.compiled import njit_cached
from online_models.contexts import NOTHING
from online_models.features import BIGRAM, COUNT_BI, SLOT_BI, SLOT_TRI, TRIGRAM
from online_models.rows import Rows, add, clear_row, no_rows
from online_models.transitions import log_share

FOLLOWERS_MAX = 8
FADING = 0.95
DOUBT = 0.5
SOURCE = 4
SPARED_MAX = 16
"""So many contexts are spared at most before one is evicted all the same."""


class Grams(NamedTuple):
    """A map of contexts of two or three tracks to rows; 100 bytes a context."""

    keys: NDArray[np.int32]
    """[contexts, 3]; the third is NOTHING for contexts of two."""
    rows: Rows
    is_met: NDArray[np.uint8]
    """[contexts]: met again since the hand passed."""
    chain: NDArray[np.int32]
    """[contexts]: 1 + the next context with the same hash, 0 at the end; follows from `keys`."""


class Index(NamedTuple):
    """Where to look; follows from the keys."""

    heads: NDArray[np.int32]
    """[power of two]: 1 + the first context with this hash, 0 if there is none."""


class Hands(NamedTuple):
    """How full the map is."""

    used: NDArray[np.int64]
    """[2]: contexts ever given out, and place of the hand."""


def no_grams(contexts: int, width: int = FOLLOWERS_MAX) -> Grams:
    """Room for `contexts`."""
    return Grams(
        keys=np.zeros((contexts, 3), np.int32),
        rows=no_rows(contexts, width),
        is_met=np.zeros(contexts, np.uint8),
        chain=np.zeros(contexts, np.int32),
    )


def no_index(contexts: int) -> NDArray[np.int32]:
    """Heads for `contexts` at most."""
    return np.zeros(contexts, np.int32)


@njit_cached
def _hash(x1: int, x2: int, x3: int, size: int) -> int:
    mixed = np.uint64(x1) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= np.uint64(x2 + 1) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= np.uint64(x3 + 2) * np.uint64(0x165667B19E3779F9)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return np.int64((mixed >> np.uint64(32)) & np.uint64(size - 1))


@njit_cached
def find(grams: Grams, heads: NDArray[np.int32], x1: int, x2: int, x3: int) -> int:
    """The row of a context, NOTHING if it is not known."""
    if len(heads) == 0:
        return NOTHING
    row = heads[_hash(x1, x2, x3, len(heads))] - 1
    keys = grams.keys
    while row >= 0:
        if keys[row, 0] == x1 and keys[row, 1] == x2 and keys[row, 2] == x3:
            return row
        row = grams.chain[row] - 1
    return NOTHING


@njit_cached
def _link(grams: Grams, heads: NDArray[np.int32], row: int) -> None:
    keys = grams.keys
    at = _hash(keys[row, 0], keys[row, 1], keys[row, 2], len(heads))
    grams.chain[row] = heads[at]
    heads[at] = row + 1


@njit_cached
def _unlink(grams: Grams, heads: NDArray[np.int32], row: int) -> None:
    keys = grams.keys
    at = _hash(keys[row, 0], keys[row, 1], keys[row, 2], len(heads))
    before, here = -1, heads[at] - 1
    while here != row:
        before, here = here, grams.chain[here] - 1
    if before < 0:
        heads[at] = grams.chain[row]
    else:
        grams.chain[before] = grams.chain[row]


@njit_cached
def link_all(grams: Grams, heads: NDArray[np.int32], used: int) -> None:
    """Makes the index anew from the keys."""
    heads[:] = 0
    for row in range(used):
        _link(grams, heads, row)


@njit_cached
def _evict(grams: Grams, heads: NDArray[np.int32], used: NDArray[np.int64]) -> int:
    for _ in range(SPARED_MAX):
        if grams.is_met[used[1]] == 0:
            break
        grams.is_met[used[1]] = 0
        used[1] = (used[1] + 1) % len(heads)
    row = used[1]
    used[1] = (row + 1) % len(heads)
    _unlink(grams, heads, row)
    clear_row(grams.rows, row)
    return row


@njit_cached
def learn_gram(
    grams: Grams,
    heads: NDArray[np.int32],
    used: NDArray[np.int64],
    x1: int,
    x2: int,
    x3: int,
    track: int,
    gain: float,
) -> None:
    """`track` was played after x1, x2 before that, and x3 (NOTHING: of no matter)."""
    row = find(grams, heads, x1, x2, x3)
    if row >= 0:
        grams.is_met[row] = 1
    else:
        if used[0] < len(heads):
            row = used[0]
            used[0] += 1
        else:
            row = _evict(grams, heads, used)
        grams.keys[row, 0], grams.keys[row, 1], grams.keys[row, 2] = x1, x2, x3
        grams.is_met[row] = 0
        _link(grams, heads, row)
    add(grams.rows, row, track, gain, FADING)


@njit_cached
def propose_gram(candidates: Candidates, rows: Rows, row: int, feature: int) -> None:
    """Proposes and describes all that followed the context in `row`."""
    unit = np.float64(rows.units[row])
    total = np.float64(rows.sums[row]) + DOUBT * unit
    for at in range(rows.held[row]):
        slot = propose(candidates, rows.items[row, at], SOURCE)
        if slot < 0:
            return
        weight = np.float64(rows.weights[row, at])
        candidates.features[feature, slot] = log_share(weight, total)
        if feature == BIGRAM:
            candidates.traits[slot, SLOT_BI] = min(SLOTS[at], 4)
            candidates.traits[slot, COUNT_BI] = bucket_of(COUNT_CUTS, weight / unit)
        elif feature == TRIGRAM:
            candidates.traits[slot, SLOT_TRI] = 1
