"""The newest list of a listener waits for the frontier that makes its publication whole."""

import pytest

from streams.lists.frontier import Frontier
from streams.lists.list_store import Publication
from streams.publishing.gathered_lists import GatheredLists
from tests.support.kept_transactions import a_list, a_publication


def test_nothing_gathered_is_nothing_to_take() -> None:
    assert not GatheredLists()


def test_the_newest_list_of_a_listener_and_the_newest_frontier_are_taken_once() -> None:
    gathered = GatheredLists()
    for listener_id, as_of in (("ann", 5), ("bob", 6), ("ann", 7)):
        assert gathered.add(a_publication(listener_id, as_of))
    lists, frontier = gathered.take()
    assert lists == {"ann": a_list("ann", 7), "bob": a_list("bob", 6)}
    assert frontier == Frontier(0, 7, serial=7)
    assert not gathered


def test_a_part_of_a_publication_waits_for_the_last_part() -> None:
    gathered = GatheredLists()
    assert not gathered.add(a_publication("ann", 5, more_follow=True))
    assert not gathered
    assert gathered.add(a_publication("bob", 5))
    assert sorted(gathered.take()[0]) == ["ann", "bob"]


def test_parts_that_were_begun_are_not_taken_with_an_earlier_publication() -> None:
    gathered = GatheredLists()
    gathered.add(a_publication("ann", 5))
    gathered.add(a_publication("bob", 9, more_follow=True))
    assert sorted(gathered.take()[0]) == ["ann"]


def test_an_erased_listener_gets_a_tombstone() -> None:
    gathered = GatheredLists()
    gathered.add(a_publication("ann", 5))
    gathered.add(Publication([], ("ann",), Frontier(0, 6)))
    assert gathered.take()[0] == {"ann": None}


@pytest.mark.parametrize("newer", [None, 9])
def test_what_is_given_back_does_not_replace_what_was_gathered_meanwhile(newer: int | None) -> None:
    gathered = GatheredLists()
    gathered.add(a_publication("ann", 5))
    gathered.add(a_publication("bob", 6))
    taken = gathered.take()
    if newer is not None:
        gathered.add(a_publication("ann", newer))
    gathered.give_back(*taken)
    lists, frontier = gathered.take()
    assert lists == {"ann": a_list("ann", newer or 5), "bob": a_list("bob", 6)}
    assert frontier.as_of == (newer or 6)


def test_what_is_cleared_is_forgotten_with_its_parts() -> None:
    gathered = GatheredLists()
    gathered.add(a_publication("ann", 5))
    gathered.add(a_publication("bob", 9, more_follow=True))
    gathered.clear()
    assert not gathered
    gathered.add(a_publication("cid", 9))
    assert sorted(gathered.take()[0]) == ["cid"]
