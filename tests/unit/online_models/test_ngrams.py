"""Contexts of two and three tracks: found again, and bounded by forgetting the oldest."""

import numpy as np

from online_models.experts.ngrams import (
    NOWHERE,
    WAYS,
    Ngrams,
    key_of,
    no_ngrams,
    place_of,
    teach_ngram,
)


def context(*tracks: int) -> np.uint64:
    return np.uint64(key_of(*tracks))


def followers(ngrams: Ngrams, key: np.uint64) -> list[int]:
    place = place_of(ngrams, key)
    if place == NOWHERE:
        return []
    return [int(each) for each in ngrams.rows.items[place, : ngrams.rows.held[place]]]


def test_what_followed_a_context_is_found_under_it_and_under_no_other() -> None:
    ngrams = no_ngrams(64)
    teach_ngram(ngrams, context(1, 2, -1), 7, 1.0)
    assert followers(ngrams, context(1, 2, -1)) == [7]
    for other in (context(2, 1, -1), context(1, 2, 0), context(1, 3, -1)):
        assert followers(ngrams, other) == []


def test_a_full_set_gives_up_the_context_that_was_taught_longest_ago() -> None:
    ngrams = no_ngrams(WAYS)
    keys = [context(at, 0, -1) for at in range(WAYS + 1)]
    for at in range(WAYS):
        teach_ngram(ngrams, keys[at], at, 1.0)
    teach_ngram(ngrams, keys[0], 9, 1.0)
    teach_ngram(ngrams, keys[WAYS], 8, 1.0)
    assert followers(ngrams, keys[0]) == [9, 0]
    assert followers(ngrams, keys[1]) == []
    assert followers(ngrams, keys[WAYS]) == [8]


def test_a_table_without_room_keeps_nothing() -> None:
    ngrams = no_ngrams(0)
    teach_ngram(ngrams, context(1, 2, -1), 7, 1.0)
    assert followers(ngrams, context(1, 2, -1)) == []
    assert ngrams.clock[0] == 0
