"""Ids and their codes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from online_models.errors import ModelError
from online_models.vocabulary import Vocabulary

TEXTS = st.text(st.characters(codec=None), max_size=8)


def a_vocabulary(*values: object) -> Vocabulary:
    vocabulary = Vocabulary()
    for value in values:
        vocabulary.encode(value)
    return vocabulary


@given(st.lists(TEXTS, max_size=40), st.integers(0, 40))
def test_codes_are_dense_in_order_of_first_appearance_in_any_batches(
    values: list[str], cut: int
) -> None:
    batches, distinct = Vocabulary(), list(dict.fromkeys(values))
    codes = np.concatenate([batches.encode_many(values[:cut]), batches.encode_many(values[cut:])])
    assert codes.tolist() == [distinct.index(value) for value in values]
    assert codes.dtype == np.int32
    assert batches.values(codes.tolist()) == values
    assert batches.digest() == a_vocabulary(*values).digest()


def test_looking_up_adds_nothing() -> None:
    vocabulary = a_vocabulary("so what")
    before = vocabulary.digest()
    assert vocabulary.code("all blues") == -1
    assert len(vocabulary) == 1
    assert vocabulary.digest() == before


@given(st.lists(TEXTS | st.integers() | st.tuples(TEXTS, st.integers()), max_size=20))
def test_a_loaded_state_gives_the_same_codes_and_new_ones_in_turn(
    values: list[object],
) -> None:
    vocabulary, loaded = a_vocabulary(*values), Vocabulary()
    loaded.load(vocabulary.state())
    assert loaded.digest() == vocabulary.digest()
    assert [loaded.code(value) for value in values] == [vocabulary.code(value) for value in values]
    assert loaded.encode("a new one") == vocabulary.encode("a new one")
    assert loaded.digest() == vocabulary.digest()


def test_a_forgotten_name_leaves_memory_and_state_and_its_code_is_never_given_again() -> None:
    vocabulary = a_vocabulary("ann", "bob")
    vocabulary.forget("ann")
    vocabulary.forget("never seen")
    assert vocabulary.code("ann") == -1
    assert b"ann" not in vocabulary.state()["bytes"].tobytes()
    assert vocabulary.encode("ann") == 2
    assert vocabulary.code("bob") == 1
    for lookup in (vocabulary.value, lambda code: vocabulary.values([1, code])):
        with pytest.raises(LookupError):
            lookup(0)


def test_a_code_that_was_never_given_has_no_value() -> None:
    for code in (-1, 1, 2**31):
        with pytest.raises(LookupError):
            a_vocabulary("ann").value(code)
    with pytest.raises(LookupError):
        a_vocabulary("ann").values([-1])


def test_forgetting_survives_a_state() -> None:
    vocabulary, loaded = a_vocabulary("ann", "bob"), Vocabulary()
    vocabulary.forget("ann")
    loaded.load(vocabulary.state())
    assert loaded.digest() == vocabulary.digest()
    assert (loaded.code("ann"), loaded.code("bob"), loaded.encode("eve")) == (-1, 1, 2)


@pytest.mark.parametrize(
    ("some", "others"),
    [
        (["a", "b"], ["b", "a"]),
        (["a", "last"], ["b", "last"]),
        (["ab"], ["a", "b"]),
        (["1"], [1]),
        (["ann"], ["ann", "bob"]),
    ],
)
def test_other_names_or_another_order_give_another_digest(
    some: list[object], others: list[object]
) -> None:
    assert a_vocabulary(*some).digest() != a_vocabulary(*others).digest()


def test_forgetting_shows_in_the_digest() -> None:
    vocabulary = a_vocabulary("ann")
    before = vocabulary.digest()
    vocabulary.forget("ann")
    assert vocabulary.digest() != before


def test_an_id_that_cannot_be_serialised_is_an_error_before_it_is_lost() -> None:
    with pytest.raises(ModelError, match="cannot be kept"):
        a_vocabulary(object()).state()
