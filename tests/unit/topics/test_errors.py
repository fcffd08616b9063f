"""Errors people see say what is wrong and what to do."""

import importlib
import pkgutil

import pytest

import infra
import streams
import topics
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


def test_every_error_that_people_meet_is_defined_in_one_place() -> None:
    for package in (topics, streams, infra):
        for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not each.name.endswith("__main__"):
                importlib.import_module(each.name)
    assert {each.__module__ for each in descendants(EchoTuneError)} == {errors.__name__}


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_stands_in_the_tree_below_its_parent(kind: type[EchoTuneError]) -> None:
    tree = [line for line in (errors.__doc__ or "").splitlines() if line.startswith("    ")]
    column = {
        word: line.index(word) for line in tree for word in line.split() if word.endswith("Error")
    }
    if kind is not EchoTuneError:
        assert column[kind.__name__] == column[kind.__base__.__name__] + 4


def descendants(kind: type[EchoTuneError]) -> list[type[EchoTuneError]]:
    """All subclasses, however deep."""
    return [each for child in kind.__subclasses__() for each in (child, *descendants(child))]
