"""Errors people see say what is wrong and what to do."""

import pytest

from topics import errors
from topics.errors import EchoTuneError

KINDS = [each for each in vars(errors).values() if isinstance(each, type)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_one_that_people_can_act_on(kind: type[EchoTuneError]) -> None:
    error = kind("The disk is full.", "Free some space.")
    assert isinstance(error, EchoTuneError)
    assert str(error) == "The disk is full. Free some space."


def test_an_error_without_a_remedy_ends_where_it_ends() -> None:
    assert str(EchoTuneError("The disk is full.")) == "The disk is full."
