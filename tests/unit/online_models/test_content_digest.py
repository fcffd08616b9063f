"""Equal contents have equal hashes, whatever their history."""

import random
from collections import defaultdict
from functools import partial
from typing import Any

import numpy as np
import pytest

from online_models.content_digest import DEPTH_MAX, content_digest
from online_models.errors import ModelError


def test_the_order_in_which_keys_came_does_not_matter() -> None:
    one, other = defaultdict(int), defaultdict(int)
    for key in ("a", "b", "c"):
        one[key] = ord(key)
    for key in ("c", "a", "b"):
        other[key] = ord(key)
    assert content_digest(one) == content_digest(other)


def test_which_texts_are_one_object_does_not_matter() -> None:
    text = "so what"
    twin = "".join(["so ", "what"])
    assert text is not twin
    assert content_digest([text, text]) == content_digest([text, twin])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (True, 1),
        ("1", b"1"),
        (0.0, -0.0),
        (1.0, np.nextafter(1.0, 2.0)),
        ([1, 2], (1, 2)),
        ([1, 2], [2, 1]),
        (["ab", "c"], ["a", "bc"]),
        ([[1], 2], [[1, 2]]),
        ([{"a": 1}, "b", 2], [{"a": 1, "b": 2}]),
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"b": 1}),
        (np.zeros(2), np.zeros(2, np.float32)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (random.Random(1), random.Random(2)),
        (np.random.RandomState(1), np.random.RandomState(2)),
        (partial(int, "1"), partial(int, "2")),
        (len, repr),
    ],
)
def test_different_contents_differ(one: Any, other: Any) -> None:
    assert content_digest(one) != content_digest(other)
    assert content_digest(one) == content_digest(one)


def test_every_not_a_number_is_the_same() -> None:
    assert content_digest(float("nan")) == content_digest(-float("nan"))


def test_cyclic_values_and_values_that_pickle_refuses_are_errors() -> None:
    endless: list[Any] = []
    for _ in range(DEPTH_MAX + 2):
        endless = [endless]
    with pytest.raises(ModelError, match="nested"):
        content_digest(endless)
    with pytest.raises(ModelError, match="cannot be written"):
        content_digest(iter(x for x in "abc"))
