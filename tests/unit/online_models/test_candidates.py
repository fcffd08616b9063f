"""From scored candidates to a list."""

from random import Random

import numpy as np
import pytest

from online_models.candidates import (
    HATED_SCORE,
    OWN,
    POPULAR,
    TRANSITION,
    Candidates,
    add_up,
    best_into,
    clear,
    no_candidates,
    propose,
    rank_of,
)


def proposed(scores: dict[int, float]) -> Candidates:
    candidates = no_candidates(1_000)
    for item, score in scores.items():
        candidates.parts[propose(candidates, item), OWN] = score
    add_up(candidates)
    return candidates


def best(candidates: Candidates, k: int) -> list[int]:
    items, scores = np.full(k, -1, np.int32), np.zeros(k)
    best_into(candidates, items, scores, np.zeros(k, np.uint8))
    return items.tolist()


@pytest.mark.parametrize("k", [0, 1, 7, 20, 100])
def test_a_list_is_the_head_of_all_candidates_sorted_by_score_then_code(k: int) -> None:
    chance = Random(k)
    scores = {item: float(chance.randrange(6)) for item in chance.sample(range(1_000), 90)}
    expected = sorted(scores, key=lambda item: (-scores[item], item))
    candidates = proposed(scores)
    assert best(candidates, k) == [*expected, *[-1] * 10][:k]
    for item in range(1_000):
        place = expected.index(item) if item in scores else -1
        assert rank_of(candidates, item, k) == (place if place < k else -1)


def test_a_hated_track_is_in_no_list_and_has_no_rank() -> None:
    candidates = proposed({1: 1.0, 2: 2.0})
    candidates.scores[candidates.slot_of[2]] = HATED_SCORE
    assert best(candidates, 2) == [1, -1]
    assert rank_of(candidates, 2, 20) == -1


def test_the_reason_is_the_part_that_carries_most() -> None:
    candidates = proposed({})
    for item, parts in enumerate([(3, 2, 1), (1, 3, 2), (1, 2, 3), (2, 2, 2)]):
        candidates.parts[propose(candidates, item)] = parts
    add_up(candidates)
    items, reasons = np.zeros(4, np.int32), np.zeros(4, np.uint8)
    best_into(candidates, items, np.zeros(4), reasons)
    told = dict(zip(items.tolist(), reasons.tolist(), strict=True))
    assert told == {0: TRANSITION, 1: OWN, 2: POPULAR, 3: TRANSITION}


def test_a_track_is_proposed_once_and_cleared_candidates_leave_nothing_behind() -> None:
    candidates = proposed({5: 1.0})
    assert propose(candidates, 5) == 0
    assert candidates.held[0] == 1
    clear(candidates)
    assert (candidates.slot_of == -1).all()
    assert candidates.parts[propose(candidates, 6)].tolist() == [0.0, 0.0, 0.0]
