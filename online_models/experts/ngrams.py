"""What is played after the last two or three tracks together, by everybody.

Contexts live in a table of fixed size, four to a set: a new one takes the place of the one of its
set that was touched longest ago. So what is rare is forgotten first, and memory is bounded.
Method: variable-order Markov chains (Begleiter, El-Yaniv & Yona 2004), orders 2 and 3.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.blend.candidates import Candidates, propose
from online_models.blend.features import (
    BIGRAM,
    COUNT_BIGRAM,
    FROM_NGRAM,
    IN_TRIGRAM,
    SLOT_BIGRAM,
    TRIGRAM,
)
from online_models.compiled import njit_cached, njit_inlined
from online_models.experts.fading_rows import FadingRows, add, clear_row, no_rows
from online_models.experts.transitions import log_share

FOLLOWERS_MAX = 8
FADING = 0.95
PRIOR = 0.5
WAYS = 4
"""Contexts of a set."""
NOWHERE = -1
_EMPTY = np.uint64(0)


class Ngrams(NamedTuple):
    """A table of contexts, 89 bytes each."""

    keys: NDArray[np.uint64]
    """0 where the place is empty."""
    touched: NDArray[np.int64]
    """When each was last taught, in plays."""
    clock: NDArray[np.int64]
    """[1]: plays so far."""
    rows: FadingRows


def no_ngrams(contexts: int) -> Ngrams:
    """An empty table for `contexts` (a power of two, or 0: nothing is kept)."""
    return Ngrams(
        keys=np.zeros(contexts, np.uint64),
        touched=np.zeros(contexts, np.int64),
        clock=np.zeros(1, np.int64),
        rows=no_rows(contexts, FOLLOWERS_MAX),
    )


@njit_inlined
def _mixed(x: np.uint64) -> np.uint64:
    """splitmix64's finaliser."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit_inlined
def key_of(newest: int, before: int, oldest: int) -> np.uint64:
    """The key of a context of two tracks (`oldest` -1) or three; never 0."""
    key = _mixed(np.uint64(newest + 1) + np.uint64(0x9E3779B97F4A7C15))
    key = _mixed(key + np.uint64(before + 1) * np.uint64(0x9E3779B97F4A7C15))
    key = _mixed(key + np.uint64(oldest + 2) * np.uint64(0xD1B54A32D192ED03))
    return key | np.uint64(1)


@njit_cached
def place_of(ngrams: Ngrams, key: np.uint64) -> int:
    """Where the context stands, or NOWHERE."""
    if len(ngrams.keys) == 0:
        return NOWHERE
    first = int((key >> np.uint64(8)) & np.uint64(len(ngrams.keys) - 1)) & ~(WAYS - 1)
    for place in range(first, first + WAYS):
        if ngrams.keys[place] == key:
            return place
    return NOWHERE


@njit_cached
def _make_place(ngrams: Ngrams, key: np.uint64) -> int:
    first = int((key >> np.uint64(8)) & np.uint64(len(ngrams.keys) - 1)) & ~(WAYS - 1)
    oldest = first
    for place in range(first, first + WAYS):
        if ngrams.touched[place] < ngrams.touched[oldest]:
            oldest = place
    if ngrams.keys[oldest] != _EMPTY:
        clear_row(ngrams.rows, oldest)
    ngrams.keys[oldest] = key
    return oldest


@njit_cached
def teach_ngram(ngrams: Ngrams, key: np.uint64, track: int, gain: float) -> None:
    """`track` was played in the context `key`."""
    if len(ngrams.keys) == 0:
        return
    ngrams.clock[0] += 1
    place = place_of(ngrams, key)
    if place == NOWHERE:
        place = _make_place(ngrams, key)
    ngrams.touched[place] = ngrams.clock[0]
    add(ngrams.rows, place, track, gain, FADING)


@njit_cached
def propose_after_two(candidates: Candidates, ngrams: Ngrams, place: int) -> None:
    """The followers of the last two tracks."""
    rows = ngrams.rows
    mass = rows.mass[place] + PRIOR * rows.grain[place]
    for at in range(rows.held[place]):
        slot = propose(candidates, rows.items[place, at], FROM_NGRAM)
        weight = rows.weights[place, at]
        candidates.features[BIGRAM, slot] = log_share(weight, mass)
        candidates.facts[SLOT_BIGRAM, slot] = np.float32(at + 1)
        candidates.facts[COUNT_BIGRAM, slot] = weight / rows.grain[place]


@njit_cached
def propose_after_three(candidates: Candidates, ngrams: Ngrams, place: int) -> None:
    """The followers of the last three tracks."""
    rows = ngrams.rows
    mass = rows.mass[place] + PRIOR * rows.grain[place]
    for at in range(rows.held[place]):
        slot = propose(candidates, rows.items[place, at], FROM_NGRAM)
        candidates.features[TRIGRAM, slot] = log_share(rows.weights[place, at], mass)
        candidates.facts[IN_TRIGRAM, slot] = 1.0
