"""The n-gram expert and its bounded map of contexts."""

from random import Random

import numpy as np
import pytest

from online_models.blend.experts import ngrams
from online_models.blend.experts.ngrams import GRAM, MAP, link_all
from tests.support.compiled import called, records

NO_CODE = -1
learn, find = called(ngrams.learn_ngram), called(ngrams.find_context)


class Kept:
    """A map of `room` contexts."""

    def __init__(self, room: int) -> None:
        self.grams, self.map = records(GRAM, room), records(MAP, 1)
        self.heads = np.zeros(room, np.int32)

    def learn(self, x1: int, x2: int, track: int) -> None:
        learn(self.grams, self.heads, self.map[0], x1, x2, NO_CODE, track, 1.0)

    def after(self, x1: int, x2: int, x3: int = NO_CODE) -> list[int]:
        at = find(self.grams, self.heads, x1, x2, x3)
        row = self.grams[at]["row"]
        return [] if at == NO_CODE else row["items"][: row["held"]].tolist()


def test_contexts_differ_by_order_and_by_length() -> None:
    kept = Kept(16)
    kept.learn(1, 2, 7)
    kept.learn(2, 1, 8)
    assert (kept.after(1, 2), kept.after(2, 1)) == ([7], [8])
    assert kept.after(1, 2, 3) == kept.after(3, 1) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_full_map_evicts_in_turn_contexts_that_did_not_occur_again(seed: int) -> None:
    chance, kept = Random(seed), Kept(16)
    known: list[tuple[int, int]] = []
    met: set[tuple[int, int]] = set()
    hand = 0
    for _ in range(600):
        key = (chance.randrange(5), chance.randrange(5))
        kept.learn(*key, 9)
        if key in known:
            met.add(key)
        elif len(known) < 16:
            known.append(key)
        else:
            for _ in range(16):
                if known[hand] not in met:
                    break
                met.discard(known[hand])
                hand = (hand + 1) % 16
            known[hand] = key
            hand = (hand + 1) % 16
        found = [(x1, x2) for x1 in range(5) for x2 in range(5) if kept.after(x1, x2)]
        assert found == sorted(known)


def test_a_reused_place_holds_no_earlier_counts() -> None:
    kept = Kept(2)
    for x1 in range(3):
        kept.learn(x1, 0, 10 + x1)
    assert [kept.after(x1, 0) for x1 in range(3)] == [[], [11], [12]]


def test_rebuilt_heads_find_the_same_contexts() -> None:
    chance, kept = Random(1), Kept(32)
    for _ in range(200):
        kept.learn(chance.randrange(9), chance.randrange(9), chance.randrange(9))
    heads = np.ones_like(kept.heads)
    link_all(kept.grams, heads)
    assert heads.tolist() == kept.heads.tolist()
