"""A recommender acts on the journal: it changes its role, or ends so that it is started anew."""

from math import inf
from typing import Any

import pytest

from streams.lifecycle.roles import ServingOfJournal
from streams.lists.serving_plan import Plan
from tests.support.lifecycle_records import (
    QUIET,
    RETIRING,
    STARTED,
    STOPPED,
    Book,
    created,
    moved,
    serves,
)
from topics.lifecycle import GenerationState


class AJournal:
    """A journal that is known to its end."""

    as_of = -inf

    def __init__(self, book: Book) -> None:
        self._book = book

    @property
    def lifecycle(self) -> Any:
        return self._book.lifecycle

    @property
    def plan(self) -> Plan:
        return self.lifecycle.plan

    def read(self) -> Any:
        return self.lifecycle


class ARedis:
    """Takes every pointer."""

    async def eval(self, *_: object) -> int:
        return 1


@pytest.fixture
def book() -> Book:
    """`first` serves by record 2; `second` is started."""
    first = [created("first"), moved("first", STARTED), serves("first", -1)]
    return Book(*first, created("second"), moved("second", STARTED))


def serving(book: Book, generation: str, stops: list[str]) -> ServingOfJournal:
    topics: Any = ("the topic", "redis alone")
    return ServingOfJournal(
        AJournal(book),  # type: ignore[arg-type]
        generation,
        *topics,
        ARedis(),  # type: ignore[arg-type]
        stop=lambda: stops.append(generation),
    )


@pytest.mark.parametrize(
    ("was", "to"), [(STARTED, STOPPED), (QUIET, STOPPED), (QUIET, RETIRING), (STARTED, QUIET)]
)
async def test_whoever_is_parked_or_has_lists_no_more_ends_once(
    book: Book, was: GenerationState, to: GenerationState
) -> None:
    book.append(moved("second", was))
    stops: list[str] = []
    role = serving(book, "second", stops)
    assert not await role.notices_change()
    assert book.append(moved("second", to)) == ""
    for _ in range(3):  # the heartbeats until it has ended
        assert not await role.notices_change()
    assert stops == ["second"]
    assert not role.publishes


async def test_a_quiet_generation_that_is_started_is_started_anew(book: Book) -> None:
    book.append(moved("second", QUIET))
    stops: list[str] = []
    role = serving(book, "second", stops)
    book.append(moved("second", STARTED))
    assert not await role.notices_change()
    assert stops == ["second"]


async def test_whoever_becomes_stable_takes_the_topic_over_while_it_runs(book: Book) -> None:
    stops: list[str] = []
    first, second = serving(book, "first", stops), serving(book, "second", stops)
    assert (first.first_topic(), second.first_topic()) == ("the topic", "redis alone")
    assert book.append(serves("second", 2)) == ""
    assert await first.notices_change()
    assert await second.has_changed()
    assert (first.holds_topic, second.holds_topic) == (False, True)
    assert not await first.notices_change()
    assert stops == []
