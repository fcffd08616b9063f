"""The n-gram expert: what is played after the last two, or three, tracks in this order.

Variable-order Markov chains as in context trees (Mi & Faltings 2017), orders two and three. The
contexts live in a bounded hash map: when it is full, a hand goes round and evicts the next
context that was not met again since the hand passed it last (the clock, or second-chance, policy).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates.candidates import admit
from online_models.blend.candidates.features import BIGRAM, COUNT_BI, SLOT_BI, SLOT_TRI, TRIGRAM
from online_models.blend.experts.transitions import log_share
from online_models.blend.listener.contexts import NOTHING
from online_models.blend.listener.situations import BIGRAM_KNOWN, MASS_BI, TRIGRAM_KNOWN
from online_models.kernels.buckets import COUNT_CUTS, GRAM_MASS_CUTS, SLOTS, bucket_of
from online_models.kernels.compiled import constant, njit_cached, njit_inlined, njit_inner
from online_models.kernels.fading_rows import add, clear_row, mass_of, row_of

FADING = 0.95
DOUBT = 0.5
SOURCE = constant(4)
_BIGRAM, _TRIGRAM = constant(BIGRAM), constant(TRIGRAM)
SPARED_MAX = 16
"""So many contexts are spared at most before one is evicted all the same."""


GRAM = np.dtype(
    [
        ("keys", "<i4", (3,)),  # x1, x2 and, in contexts of three, x3, else NOTHING
        ("chain", "<i4"),  # 1 + the next context with the same hash, 0 at the end
        ("is_met", "<i4"),  # met again since the hand passed
        ("row", row_of(8)),
    ],
    align=True,
)
"""A context and what followed it, 96 bytes."""
MAP = np.dtype([("used", "<i8"), ("hand", "<i8")], align=True)
"""How many contexts were ever given out, and where the hand stands."""


@njit_inner
def _hash(x1: int, x2: int, x3: int, size: int) -> int:
    mixed = np.uint64(x1) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= np.uint64(x2 + 1) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= np.uint64(x3 + 2) * np.uint64(0x165667B19E3779F9)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return int(np.int64((mixed >> np.uint64(32)) & np.uint64(size - 1)))


@njit_inner
def find(grams: NDArray[Any], heads: NDArray[np.int32], x1: int, x2: int, x3: int) -> int:
    """Where a context is, NOTHING if it is not known."""
    if len(heads) == 0:
        return NOTHING
    at = int(heads[_hash(x1, x2, x3, len(heads))]) - 1
    while at >= 0:
        keys = grams[at].keys
        if keys[0] == x1 and keys[1] == x2 and keys[2] == x3:
            return at
        at = int(grams[at].chain) - 1
    return NOTHING


@njit_inner
def _link(grams: NDArray[Any], heads: NDArray[np.int32], at: int) -> None:
    keys = grams[at].keys
    head = _hash(keys[0], keys[1], keys[2], len(heads))
    grams[at].chain = heads[head]
    heads[head] = at + 1


@njit_inner
def _unlink(grams: NDArray[Any], heads: NDArray[np.int32], at: int) -> None:
    keys = grams[at].keys
    head = _hash(keys[0], keys[1], keys[2], len(heads))
    before, here = -1, heads[head] - 1
    while here != at:
        before, here = here, grams[here].chain - 1
    if before < 0:
        heads[head] = grams[at].chain
    else:
        grams[before].chain = grams[at].chain


@njit_cached
def _link_all(grams: NDArray[Any], heads: NDArray[np.int32], chained: NDArray[np.uint8]) -> None:
    for at in range(len(grams)):
        chained[grams[at].chain] = 1
    for at in range(len(grams)):
        if chained[at + 1] == 0:
            keys = grams[at].keys
            heads[_hash(keys[0], keys[1], keys[2], len(heads))] = at + 1


def link_all(grams: NDArray[Any], heads: NDArray[np.int32]) -> None:
    """Makes the heads from the chains; a head is a context that is in no chain."""
    heads[:] = 0
    _link_all(grams, heads, np.zeros(len(grams) + 1, np.uint8))


@njit_inner
def _evict(grams: NDArray[Any], heads: NDArray[np.int32], its: Any) -> int:
    for _ in range(SPARED_MAX):
        if grams[its.hand].is_met == 0:
            break
        grams[its.hand].is_met = 0
        its.hand = (its.hand + 1) % len(heads)
    at = its.hand
    its.hand = (at + 1) % len(heads)
    _unlink(grams, heads, at)
    clear_row(grams[at].row)
    return at


@njit_inner
def _take_place(grams: NDArray[Any], heads: NDArray[np.int32], its: Any) -> int:
    if its.used == len(heads):
        return _evict(grams, heads, its)
    its.used += 1
    return its.used - 1


@njit_inner
def learn_gram(
    grams: NDArray[Any],
    heads: NDArray[np.int32],
    its: Any,
    x1: int,
    x2: int,
    x3: int,
    track: int,
    gain: float,
) -> None:
    """`track` was played after x1, x2 before that, and x3 before (NOTHING: of no matter)."""
    at = find(grams, heads, x1, x2, x3)
    if at >= 0:
        grams[at].is_met = 1
    else:
        at = _take_place(grams, heads, its)
        keys = grams[at].keys
        keys[0] = x1
        keys[1] = x2
        keys[2] = x3
        grams[at].is_met = 0
        _link(grams, heads, at)
    add(grams[at].row, track, gain, FADING)


@njit_inner
def propose_gram(candidates: Any, slot_of: NDArray[np.int32], row: Any, feature: int) -> None:
    """Proposes and describes all that followed a context."""
    unit = np.float64(row.unit)
    total = np.float64(row.sum) + DOUBT * unit
    for at in range(row.held):
        slot = admit(candidates, slot_of, row.items[at], SOURCE)
        if slot < 0:
            return
        weight = np.float64(row.weights[at])
        candidates.features[feature, slot] = log_share(weight, total)
        if feature == BIGRAM:
            candidates.traits[slot, SLOT_BI] = min(SLOTS[at], 4)
            candidates.traits[slot, COUNT_BI] = bucket_of(COUNT_CUTS, weight / unit)
        else:
            candidates.traits[slot, SLOT_TRI] = 1


@njit_inlined
def propose(blend: Any) -> None:
    """See `experts`: what followed the last two tracks, and the last three."""
    scratch = blend.scratch[0]
    candidates, facts, last = scratch.candidates, scratch.facts, scratch.last
    at = NOTHING
    if last[1] != NOTHING:
        at = find(blend.bigrams, blend.bigram_heads, last[0], last[1], NOTHING)
    if at != NOTHING:
        row = blend.bigrams[at].row
        propose_gram(candidates, blend.slot_of, row, _BIGRAM)
        facts[BIGRAM_KNOWN] = 1
        facts[MASS_BI] = bucket_of(GRAM_MASS_CUTS, mass_of(row))
    at = NOTHING
    if last[2] != NOTHING:
        at = find(blend.trigrams, blend.trigram_heads, last[0], last[1], last[2])
    if at != NOTHING:
        propose_gram(candidates, blend.slot_of, blend.trigrams[at].row, _TRIGRAM)
        facts[TRIGRAM_KNOWN] = 1


@njit_inlined
def learn(blend: Any, row: Any, gain: float) -> None:
    """See `experts`."""
    last, shared = blend.contexts[row.user].last, blend.shared[0]
    x1, x2, x3 = last[0] - 1, last[1] - 1, last[2] - 1
    if len(blend.bigrams) > 0 and x2 != NOTHING:
        grams, heads, its = blend.bigrams, blend.bigram_heads, shared.bigrams
        learn_gram(grams, heads, its, x1, x2, NOTHING, row.item, gain)
    if len(blend.trigrams) > 0 and x3 != NOTHING:
        grams, heads, its = blend.trigrams, blend.trigram_heads, shared.trigrams
        learn_gram(grams, heads, its, x1, x2, x3, row.item, gain)
