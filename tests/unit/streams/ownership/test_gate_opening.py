"""A frontier whose record the log has lost shuts the gate until a log epoch beyond it."""

import pytest

from streams.kafka.topic_facts import Bounds
from streams.lists.frontier import NOTHING_PUBLISHED, Frontier
from streams.ownership.gate_opening import gate_opening
from streams.publishing.gate import Gate, StoreFrontiers
from tests.support.learning_log import a_batch, a_fold, an_event

HASHES = ["a", "b"]
"""Of the records that the log has."""


class ALog:
    """What a reader of the log finds."""

    def __enter__(self) -> "ALog":
        return self

    def __exit__(self, *_: object) -> None: ...

    def bounds(self) -> Bounds:
        return Bounds(0, len(HASHES))

    def hash_at(self, offset: int) -> str | None:
        return HASHES[offset] if 0 <= offset < len(HASHES) else None


@pytest.mark.parametrize(
    ("frontier", "opens_at"),
    [
        (Frontier(0, 1, "b"), (0, 1)),
        (Frontier(0, 1, "another"), (1, -1)),
        (Frontier(0, 2, "c"), (1, -1)),
        (NOTHING_PUBLISHED, (-1, -1)),
    ],
    ids=["the log has it", "written anew", "beyond the end", "nothing published"],
)
def test_the_gate_opens_at_the_frontier_unless_its_record_was_lost(
    frontier: Frontier, opens_at: tuple[int, int]
) -> None:
    fold = a_fold()
    fold.apply(0, a_batch(an_event()))
    found = gate_opening(ALog, fold, frontier, frontier)
    assert (found.gate.opens_at, found.log_end) == (opens_at, 2)
    is_ahead = opens_at == (0, 1)
    assert found.hashes == ({1: "b"} if is_ahead else {})


def test_a_frontier_whose_record_was_deleted_at_the_beginning_of_the_log_begins_no_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ALog, "bounds", lambda _: Bounds(2, 2))
    monkeypatch.setattr(ALog, "hash_at", lambda *_: None)
    fold = a_fold()
    for at in range(2):
        fold.apply(at, a_batch(an_event(minute=at), from_offset=at))
    own = Frontier(0, 1, "b", serial=4, owner=1)
    assert gate_opening(ALog, fold, own, own).gate == Gate((0, 1), 1)


def test_a_former_shard_that_published_before_the_beginning_of_the_log_shuts_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ALog, "hash_at", lambda _, offset: "b" if offset == 1 else None)
    fold = a_fold()
    fold.apply(0, a_batch(an_event()))
    own, former = Frontier(0, 1, "b", serial=4, owner=1), Frontier(0, 0, "a", serial=2, owner=1)
    found = gate_opening(ALog, fold, own, own, [StoreFrontiers(former, former)])
    assert found.gate == Gate((0, 1), 1)


def test_who_has_published_nothing_and_succeeds_nobody_waits_for_the_end_of_the_log() -> None:
    fold = a_fold()
    fresh = gate_opening(ALog, fold, NOTHING_PUBLISHED, NOTHING_PUBLISHED).gate
    assert [fresh.is_open(7, offset) for offset in (-1, 0, 1)] == [False, False, True]


@pytest.mark.parametrize("known", ["redis", "topic", "a former one"])
def test_who_succeeds_somebody_waits_for_what_was_published_only(known: str) -> None:
    fold, at = a_fold(), Frontier(0, 0, "a")
    redis, topic = (at if known == each else NOTHING_PUBLISHED for each in ("redis", "topic"))
    former = [StoreFrontiers(at, at)] if known == "a former one" else []
    gate = gate_opening(ALog, fold, redis, topic, former).gate
    assert [gate.is_open(0, offset) for offset in (-1, 0)] == [False, True]
