"""Novelty of plays."""

from random import Random

import numpy as np

from online_models.evaluation.novelty import Novelty, plays_before


def test_novelty_equals_that_of_a_naive_count() -> None:
    chance = Random(1)
    plays = [(chance.randrange(9), chance.randrange(30)) for _ in range(400)]
    users, items = np.array(plays, np.int32).T
    met = plays_before(users, items)
    for at, (user, item) in enumerate(plays):
        before = plays[:at]
        expected = Novelty.NEVER_SEEN
        if (user, item) in before:
            expected = Novelty.REPEAT
        elif item in [its for _, its in before]:
            expected = Novelty.NEW_TO_USER
        assert met.novelty[at] == expected
        assert met.of_user[at] == sum(its == user for its, _ in before)
    assert set(met.novelty.tolist()) == {0, 1, 2}


def test_codes_of_any_size_do_not_mix() -> None:
    top = 2**31 - 1
    met = plays_before(np.array([0, top, 0], np.int32), np.array([top, 0, top], np.int32))
    assert met.novelty.tolist() == [2, 2, 0]


def test_a_stream_may_be_empty() -> None:
    none = np.zeros(0, np.int32)
    assert [len(column) for column in plays_before(none, none)] == [0, 0]
