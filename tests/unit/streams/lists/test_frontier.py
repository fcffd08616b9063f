"""A frontier is stored in one form for ever, and says what a store has."""

from functools import partial

import pytest

from streams.folding.log_position import LogPosition
from streams.lists.frontier import (
    NOTHING_PUBLISHED,
    Frontier,
    frontier_at,
    frontier_of,
)

owned = partial(Frontier, owner=1)


def test_a_frontier_reads_back_as_it_was_written() -> None:
    frontier = Frontier(3, 41, "ab")
    assert frontier_of(frontier.text()) == frontier_of(frontier.text().encode()) == frontier


def test_its_stored_form_is_that_of_every_version() -> None:
    frontier = Frontier(3, 41, "ab", 7, missing_after=40, owner=2, agreed=6, part=1, made_by="c")
    assert frontier.text() == '[3,41,"ab",7,40,2,6,1,"c"]'


@pytest.mark.parametrize("nothing", [None, "", b""])
def test_nothing_stored_means_nothing_published(nothing: str | bytes | None) -> None:
    assert frontier_of(nothing) == NOTHING_PUBLISHED


def test_a_later_epoch_is_newer_whatever_the_offset() -> None:
    assert Frontier(2, 0).position > Frontier(1, 99).position > NOTHING_PUBLISHED.position


def test_a_publication_in_part_says_up_to_where_its_lists_are_and_what_is_complete() -> None:
    before = Frontier(0, 90, "a", serial=6, agreed=5, missing_after=85)
    whole = Frontier(0, 100, "b", serial=7, agreed=6, owner=1)
    first = whole.reached_in_part(before)
    assert first == Frontier(0, 100, "b", serial=6, owner=1, agreed=5, missing_after=85, part=1)
    assert whole.reached_in_part(first) == first._replace(part=2)
    assert first.complete_up_to == 85


def test_a_frontier_begins_at_the_position_of_the_state_and_moves_on_with_it() -> None:
    first = frontier_at(LogPosition(1, 90, "aa"))
    assert first == Frontier(1, 90, "aa")
    numbered = first._replace(serial=4, owner=2, missing_after=80)
    moved = numbered.moved_to(LogPosition(2, 120, "bb"))
    assert moved == Frontier(2, 120, "bb", serial=4, missing_after=80, owner=2)
