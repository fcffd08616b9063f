"""From where on lists are published, and which are published first."""

from functools import partial

import pytest

from streams.lists.frontier import NOTHING_PUBLISHED, Frontier, frontier_of
from streams.publishing.gate import Gate, StoreFrontiers, gate_between

owned = partial(Frontier, owner=1)


@pytest.mark.parametrize("ahead", ["redis", "topic"])
def test_the_gate_opens_at_the_further_frontier_and_repairs_from_the_other(ahead: str) -> None:
    near, far = owned(0, 90, serial=6), owned(0, 100, serial=7)
    redis, topic = (far, near) if ahead == "redis" else (near, far)
    gate = gate_between(redis, topic, log_epoch=0)
    assert gate == Gate(opens_at=(0, 100), republish_after=90)
    assert [gate.is_open(0, at) for at in (99, 100, 101)] == [False, True, True]


def test_an_emptied_redis_gets_every_list() -> None:
    assert gate_between(NOTHING_PUBLISHED, Frontier(0, 100, serial=7), 0).republish_after == -1


def test_frontiers_of_an_earlier_epoch_mean_that_every_list_is_published() -> None:
    gate = gate_between(Frontier(0, 90), Frontier(0, 100), log_epoch=1)
    assert gate.republish_after == -1
    assert gate.is_open(1, 3)


def test_a_state_that_has_not_reached_the_epoch_of_what_was_published_waits() -> None:
    gate = gate_between(Frontier(2, 5), Frontier(2, 5), log_epoch=1)
    assert not gate.is_open(1, 10_000)
    assert gate.is_open(2, 5)


def test_shards_of_a_new_m_begin_where_the_furthest_of_the_former_ended() -> None:
    former = [
        StoreFrontiers(owned(0, 70), owned(0, 70)),
        StoreFrontiers(owned(0, 120), owned(0, 120)),
    ]
    gate = gate_between(NOTHING_PUBLISHED, NOTHING_PUBLISHED, 0, former)
    assert gate == Gate(opens_at=(0, 120), republish_after=-1)
    own = owned(0, 50, serial=7), owned(0, 40, serial=6)
    assert gate_between(*own, 0, former) == Gate((0, 120), 40)


@pytest.mark.parametrize(
    ("own", "republish_after"),
    [(80, 30), (100, 30), (101, 101)],
    ids=["published before", "at the same place", "has published since"],
)
def test_what_a_former_shard_told_one_store_alone_is_told_to_both(
    own: int, republish_after: int
) -> None:
    redis, topic = owned(0, 100, serial=7, missing_after=30), owned(0, 60, serial=6)
    stands_at = owned(0, own, serial=9)
    gate = gate_between(stands_at, stands_at, 0, [StoreFrontiers(redis, topic)])
    assert gate == Gate((0, max(own, 100)), republish_after)


@pytest.mark.parametrize("further", ["redis", "topic"])
def test_what_the_further_store_got_anew_the_other_one_gets_too(further: str) -> None:
    behind = owned(0, 100, serial=6)
    owing = owned(0, 100, serial=7, missing_after=40, agreed=5)
    redis, topic = (owing, behind) if further == "redis" else (behind, owing)
    assert gate_between(redis, topic, log_epoch=0).republish_after == 40
    assert frontier_of(owing.text()) == owing


def test_stores_at_one_publication_owe_each_other_nothing() -> None:
    frontier = owned(0, 100, serial=7, missing_after=40)
    assert gate_between(frontier, frontier, log_epoch=0).republish_after == 100


def test_a_store_behind_what_both_once_had_gets_every_list() -> None:
    behind = owned(0, 100, serial=4)
    further = owned(0, 100, serial=7, missing_after=40, agreed=5)
    assert gate_between(behind, further, log_epoch=0).republish_after == -1


@pytest.mark.parametrize("serial", [6, 7, 8], ids=["behind", "level", "went on without it"])
def test_a_redis_that_has_not_seen_the_topics_owner_gets_every_list(serial: int) -> None:
    redis = Frontier(0, 100, serial=serial, owner=2, agreed=6)
    topic = Frontier(0, 110, serial=7, owner=3, agreed=6)
    assert gate_between(redis, topic, log_epoch=0).republish_after == -1


@pytest.mark.parametrize(
    ("redis", "topic"),
    [
        ('[0,110,"a"]', '[0,100,"b"]'),
        ('[0,100,"a",6]', '[0,100,"a",7]'),
        ('[0,100,"a",7,40]', '[0,100,"a",7]'),
        ('[0,100,"a",7]', '[0,100,"a",7]'),
    ],
    ids=["no count", "fell back", "owed", "level"],
)
def test_after_frontiers_of_versions_without_owners_every_list_is_published(
    redis: str, topic: str
) -> None:
    gate = gate_between(frontier_of(redis), frontier_of(topic), log_epoch=0)
    assert gate == Gate(max(frontier_of(redis).position, frontier_of(topic).position), -1)


@pytest.mark.parametrize("topic_serial", [5, 6, 7])
def test_whoever_finds_a_publication_in_part_publishes_beyond_it_what_was_not_complete(
    topic_serial: int,
) -> None:
    redis = owned(0, 100, serial=6, agreed=5, missing_after=85, part=1)
    topic = owned(0, 95, serial=topic_serial, agreed=5)
    assert gate_between(redis, topic, log_epoch=0) == Gate((0, 100), 85)
