"""From where on lists go out, and which go out first."""

import pytest

from streams.frontier import NOTHING_PUBLISHED, Frontier, Gate, frontier_of, gate_between


def test_a_frontier_reads_back_as_it_was_written() -> None:
    frontier = Frontier(3, 41, "ab")
    assert frontier_of(frontier.text()) == frontier_of(frontier.text().encode()) == frontier


@pytest.mark.parametrize("nothing", [None, "", b""])
def test_nothing_stored_means_nothing_published(nothing: str | bytes | None) -> None:
    assert frontier_of(nothing) == NOTHING_PUBLISHED


def test_a_later_epoch_is_newer_whatever_the_offset() -> None:
    assert Frontier(2, 0).position > Frontier(1, 99).position > NOTHING_PUBLISHED.position


@pytest.mark.parametrize("ahead", ["redis", "topic"])
def test_the_gate_opens_at_the_further_frontier_and_repairs_from_the_other(ahead: str) -> None:
    near, far = Frontier(0, 90), Frontier(0, 100)
    redis, topic = (far, near) if ahead == "redis" else (near, far)
    gate = gate_between(redis, topic, log_epoch=0)
    assert gate == Gate(opens_at=(0, 100), republish_after=90)
    assert [gate.is_open(0, at) for at in (99, 100, 101)] == [False, True, True]


def test_an_emptied_redis_gets_every_list() -> None:
    assert gate_between(NOTHING_PUBLISHED, Frontier(0, 100), 0).republish_after == -1


def test_frontiers_of_an_earlier_epoch_mean_that_every_list_is_published() -> None:
    gate = gate_between(Frontier(0, 90), Frontier(0, 100), log_epoch=1)
    assert gate.republish_after == -1
    assert gate.is_open(1, 3)


def test_a_state_that_has_not_reached_the_epoch_of_what_was_published_waits() -> None:
    gate = gate_between(Frontier(2, 5), Frontier(2, 5), log_epoch=1)
    assert not gate.is_open(1, 10_000)
    assert gate.is_open(2, 5)


def test_shards_of_a_new_m_begin_where_the_furthest_of_the_former_ended() -> None:
    former = [Frontier(0, 70), Frontier(0, 120)]
    gate = gate_between(NOTHING_PUBLISHED, NOTHING_PUBLISHED, 0, former)
    assert gate == Gate(opens_at=(0, 120), republish_after=-1)
    assert gate_between(Frontier(0, 50), Frontier(0, 40), 0, former) == Gate((0, 120), 40)


@pytest.mark.parametrize("who", ["redis", "topic"])
def test_what_one_store_may_lack_is_published_again(who: str) -> None:
    settled, owing = Frontier(0, 100), Frontier(0, 100, owed_after=40)
    redis, topic = (owing, settled) if who == "redis" else (settled, owing)
    assert gate_between(redis, topic, log_epoch=0).republish_after == 40
    assert frontier_of(owing.text()) == owing


def test_a_redis_that_has_seen_fewer_publications_than_the_topic_gets_every_list() -> None:
    redis, topic = Frontier(0, 100, "hash", serial=6), Frontier(0, 100, "hash", serial=7)
    assert gate_between(redis, topic, log_epoch=0).republish_after == -1
    assert gate_between(topic, redis, log_epoch=0).republish_after == 100
