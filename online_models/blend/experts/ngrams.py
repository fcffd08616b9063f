"""The n-gram expert: what is played after the last two, or three, tracks in this order.

Markov chains of orders two and three, a variable-order model as in context trees (Mi & Faltings
2017). For the context c of the last two (BIGRAM) or three (TRIGRAM) tracks, and a candidate b:

    feature = ln(.0001 + w(c, b) / (sum of w(c, ·) + .5)) + 9.21

w are counts that decay by `DECAY` per play after c. Contexts are kept in a bounded hash map with
chaining. If it is full, the clock (second-chance) policy evicts one: a hand goes round and takes
the next context that has not occurred again since the hand last passed it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates.candidate_set import add_candidate
from online_models.blend.candidates.features import BIGRAM, COUNT_BI, SLOT_BI, SLOT_TRI, TRIGRAM
from online_models.blend.experts.transitions import log_share
from online_models.blend.listener.session_contexts import NO_CODE
from online_models.blend.listener.situations import BIGRAM_KNOWN, MASS_BI, TRIGRAM_KNOWN
from online_models.kernels.buckets import COUNT_CUTS, GRAM_MASS_CUTS, SLOTS, bucket_of
from online_models.kernels.compiled import constant, njit_cached, njit_inlined, njit_inner
from online_models.kernels.decaying_rows import add_to_row, clear_row, mass_of, row_dtype

DECAY = 0.95
SHRINKAGE = 0.5
"""Pseudo-plays that shrink the shares of rare contexts."""
SOURCE = constant(4)
_BIGRAM, _TRIGRAM = constant(BIGRAM), constant(TRIGRAM)
SPARED_MAX = 16
"""Maximum number of contexts that an eviction passes over before it evicts the next one."""


GRAM = np.dtype(
    [
        ("keys", "<i4", (3,)),  # x1, x2, and x3 in contexts of three, otherwise NO_CODE
        ("chain", "<i4"),  # 1 + the next context with the same hash, 0 at the end
        ("is_met", "<i4"),  # occurred again since the hand passed
        ("row", row_dtype(8)),
    ],
    align=True,
)
"""An n-gram context and the tracks that followed it, 96 bytes."""
MAP = np.dtype([("used", "<i8"), ("hand", "<i8")], align=True)
"""Number of contexts in use, and the position of the clock's hand."""


@njit_inner
def _hash(x1: int, x2: int, x3: int, size: int) -> int:
    mixed = np.uint64(x1) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= np.uint64(x2 + 1) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= np.uint64(x3 + 2) * np.uint64(0x165667B19E3779F9)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return int(np.int64((mixed >> np.uint64(32)) & np.uint64(size - 1)))


@njit_inner
def find_context(grams: NDArray[Any], heads: NDArray[np.int32], x1: int, x2: int, x3: int) -> int:
    """The position of the context (x1, x2, x3) in `grams`; NO_CODE if it is not in the map."""
    if len(heads) == 0:
        return NO_CODE
    at = int(heads[_hash(x1, x2, x3, len(heads))]) - 1
    while at >= 0:
        keys = grams[at].keys
        if keys[0] == x1 and keys[1] == x2 and keys[2] == x3:
            return at
        at = int(grams[at].chain) - 1
    return NO_CODE


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
    """Rebuilds the heads of the hash chains; a head is a context that no other one points to."""
    heads[:] = 0
    _link_all(grams, heads, np.zeros(len(grams) + 1, np.uint8))


@njit_inner
def _evict(grams: NDArray[Any], heads: NDArray[np.int32], clock: Any) -> int:
    for _ in range(SPARED_MAX):
        if grams[clock.hand].is_met == 0:
            break
        grams[clock.hand].is_met = 0
        clock.hand = (clock.hand + 1) % len(heads)
    at = clock.hand
    clock.hand = (at + 1) % len(heads)
    _unlink(grams, heads, at)
    clear_row(grams[at].row)
    return at


@njit_inner
def _allocate(grams: NDArray[Any], heads: NDArray[np.int32], clock: Any) -> int:
    if clock.used == len(heads):
        return _evict(grams, heads, clock)
    clock.used += 1
    return clock.used - 1


@njit_inner
def learn_ngram(
    grams: NDArray[Any],
    heads: NDArray[np.int32],
    clock: Any,
    x1: int,
    x2: int,
    x3: int,
    track: int,
    gain: float,
) -> None:
    """Counts `track` after the context x1 (newest), x2, and x3 (NO_CODE in contexts of two)."""
    at = find_context(grams, heads, x1, x2, x3)
    if at >= 0:
        grams[at].is_met = 1
    else:
        at = _allocate(grams, heads, clock)
        keys = grams[at].keys
        keys[0] = x1
        keys[1] = x2
        keys[2] = x3
        grams[at].is_met = 0
        _link(grams, heads, at)
    add_to_row(grams[at].row, track, gain, DECAY)


@njit_inner
def propose_ngram(candidates: Any, slot_of: NDArray[np.int32], row: Any, feature: int) -> None:
    """Proposes all tracks that followed a context, and writes `feature` and traits."""
    unit = np.float64(row.unit)
    total = np.float64(row.sum) + SHRINKAGE * unit
    for at in range(row.held):
        slot = add_candidate(candidates, slot_of, row.items[at], SOURCE)
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
    """See `roster`: the tracks that followed the last two tracks, and the last three."""
    scratch = blend.scratch[0]
    candidates, facts, last = scratch.candidates, scratch.facts, scratch.last
    at = NO_CODE
    if last[1] != NO_CODE:
        at = find_context(blend.bigrams, blend.bigram_heads, last[0], last[1], NO_CODE)
    if at != NO_CODE:
        row = blend.bigrams[at].row
        propose_ngram(candidates, blend.slot_of, row, _BIGRAM)
        facts[BIGRAM_KNOWN] = 1
        facts[MASS_BI] = bucket_of(GRAM_MASS_CUTS, mass_of(row))
    at = NO_CODE
    if last[2] != NO_CODE:
        at = find_context(blend.trigrams, blend.trigram_heads, last[0], last[1], last[2])
    if at != NO_CODE:
        propose_ngram(candidates, blend.slot_of, blend.trigrams[at].row, _TRIGRAM)
        facts[TRIGRAM_KNOWN] = 1


@njit_inlined
def learn(blend: Any, row: Any, gain: float) -> None:
    """See `roster`."""
    last, shared = blend.contexts[row.user].last, blend.shared[0]
    x1, x2, x3 = last[0] - 1, last[1] - 1, last[2] - 1
    if len(blend.bigrams) > 0 and x2 != NO_CODE:
        grams, heads, clock = blend.bigrams, blend.bigram_heads, shared.bigrams
        learn_ngram(grams, heads, clock, x1, x2, NO_CODE, row.item, gain)
    if len(blend.trigrams) > 0 and x3 != NO_CODE:
        grams, heads, clock = blend.trigrams, blend.trigram_heads, shared.trigrams
        learn_ngram(grams, heads, clock, x1, x2, x3, row.item, gain)
