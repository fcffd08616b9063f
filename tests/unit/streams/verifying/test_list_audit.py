"""Lists beside each other: which differences are on their way, and which are broken promises."""

from typing import Any

from streams.verifying.list_audit import (
    Published,
    disagreements,
    items_hash,
    misranked,
    outdated,
    sample_of,
)
from topics.recommendation_list import EVERYONE

ITEMS = items_hash([("t1", 1.5, "own")])


def a_list(as_of: int = 5, **changes: Any) -> Published:
    return Published(1, as_of, 1_000, ITEMS)._replace(**changes)


def test_the_time_of_writing_is_no_difference() -> None:
    redis, topic = {"ann": a_list(at_ms=1)}, {"ann": a_list(at_ms=2)}
    assert [*disagreements(redis, topic, (1, 9))] == []


def test_a_list_that_both_should_have_by_now_differs() -> None:
    redis, topic = {"ann": a_list(5)}, {"ann": a_list(6)}
    assert [each.where for each in disagreements(redis, topic, (1, 9))] == ["ann"]


def test_a_list_that_is_newer_than_what_both_hold_may_be_on_its_way() -> None:
    redis, topic = {"ann": a_list(10)}, {"ann": a_list(6)}
    assert [*disagreements(redis, topic, (1, 9))] == []


def test_two_lists_of_one_place_must_be_equal_always() -> None:
    redis, topic = {"ann": a_list(10)}, {"ann": a_list(10, items=b"other")}
    assert [each.where for each in disagreements(redis, topic, (1, 9))] == ["ann"]


def test_whoever_changed_has_a_list_that_is_not_older() -> None:
    lists = {"ann": a_list(5), "bob": a_list(5), EVERYONE: a_list(1)}
    changed = {"ann": 5, "bob": 6, "cyd": 4, "dan": 10}
    found = [each.where for each in outdated(lists, changed, 9, "redis")]
    assert found == ["bob", "cyd"]


def test_who_is_not_remembered_has_no_list() -> None:
    [found] = outdated({"gone": a_list(5), "new": a_list(10)}, {}, 9, "redis")
    assert found.where == "gone"


def test_a_list_is_what_the_state_ranks_or_it_is_named() -> None:
    assert [*misranked("ann", a_list(at_ms=3), a_list())] == []
    assert len([*misranked("ann", a_list(), a_list(items=b"other"))]) == 1


def test_a_sample_is_the_same_again_and_holds_everyones_list() -> None:
    lists = {f"listener-{at}": a_list() for at in range(50)} | {EVERYONE: a_list()}
    sample = sample_of(lists, 10)
    assert len(sample) == 11
    assert sample[-1] == EVERYONE
    assert sample == sample_of(dict(reversed(lists.items())), 10)
