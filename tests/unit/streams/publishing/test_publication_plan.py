"""What is published next: tables of events, and of what has to be done then."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from streams.folding.fold import Changed
from streams.folding.log_position import LogPosition
from streams.lists.frontier import NOTHING_PUBLISHED, Frontier
from streams.publishing.gate import Gate, StoreFrontiers
from streams.publishing.publication_plan import (
    FALLBACK_EVERY_RECORDS,
    Behind,
    Draft,
    LaterOwner,
    Part,
    PublicationPlan,
)

ANN, BOB, CID, DAN = range(4)
CLAIMED = Frontier(-1, -1, owner=1)
WIDE_OPEN = Gate((-1, -1), -1)


class Listeners:
    """Listeners by code, and at which log offset each of them changed last."""

    def __init__(self, *, makes_fallback: bool = False) -> None:
        self.position = LogPosition(0, -1)
        self.makes_fallback = makes_fallback
        self.last_changed: dict[int, int] = {}
        self.erased: dict[int, str] = {}
        self.known: set[str] = set()

    def of_this_shard(self, listeners: NDArray[np.int32]) -> NDArray[np.int32]:
        return listeners

    def changed_after(self, log_offset: int) -> NDArray[np.int32]:
        found = [code for code, at in self.last_changed.items() if at > log_offset]
        return np.array(sorted(found), np.int32)

    def erased_after(self, log_offset: int) -> list[int]:
        return sorted(at for at in self.erased if at > log_offset)

    def changed_before(self, listener_ids: Iterable[str]) -> int:
        return min(self.last_changed.values()) - 1

    def is_gone(self, listener_id: str) -> bool:
        return listener_id not in self.known


class Sent(NamedTuple):
    """What a test looks at of a part: whose lists, and the rest of it."""

    listeners: list[int]
    part: Part


class Desk:
    """A plan, the state that it asks, and the topic that takes everything at once."""

    def __init__(self, gate: Gate | None = WIDE_OPEN, *, lists_max: int = 100, **how: Any) -> None:
        self.listeners = Listeners(**how)
        self.plan = PublicationPlan(self.listeners, lists_max=lists_max)
        self.topic_at = NOTHING_PUBLISHED
        self.plan.owned(1, CLAIMED)
        if gate is not None:
            self.plan.opened(gate, self.topic_at)

    def changed(self, *codes: int, erased: Sequence[str] = ()) -> None:
        """The next log record changes these listeners."""
        at = self.listeners.position.offset + 1
        self.listeners.position = LogPosition(0, at, f"hash-{at}")
        self.listeners.last_changed |= dict.fromkeys(codes, at)
        self.listeners.erased |= dict.fromkeys([at] if erased else [], "")
        self.plan.changed(Changed(np.array(codes, np.int32), tuple(erased), np.array([at * 10])))

    def draft(self) -> Draft:
        draft = self.plan.draft()
        assert draft is not None
        return draft

    def number(self, draft: Draft) -> Part:
        part = self.plan.number(draft, self.topic_at)
        assert part is not None
        self.topic_at = self.topic_at if part.more_follow else part.frontier
        return part

    def sent(self) -> list[Sent]:
        """Every part up to the end of a publication; Redis takes what it gets."""
        parts = []
        while not parts or parts[-1].part.more_follow:
            draft = self.draft()
            part = self.number(draft)
            parts.append(Sent(draft.listeners.tolist(), part))
            if part.expected is not None:
                reached = part.frontier.reached_in_part(part.expected)
                assert self.plan.accepted(reached if part.more_follow else part.frontier)
            if part.erasures:
                self.plan.found_erased(self.listeners.erased[at] for at in part.erasures)
        return parts


def listeners_of(parts: Sequence[Sent]) -> list[list[int]]:
    return [each.listeners for each in parts]


# -- what is due ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gate", "changes", "published"),
    [
        pytest.param(None, [[ANN]], None, id="while the gate is unknown, nothing"),
        pytest.param(Gate((0, 2), -1), [[ANN], [BOB]], None, id="before the gate, nothing"),
        pytest.param(Gate((0, 1), -1), [[ANN], [BOB]], [ANN, BOB], id="then what is missing"),
        pytest.param(Gate((0, 1), 0), [[ANN], [BOB]], [BOB], id="but not what both stores have"),
        pytest.param(Gate((1, -1), -1), [[ANN]], None, id="in an earlier log epoch, nothing"),
        pytest.param(WIDE_OPEN, [[ANN, BOB], [ANN]], [ANN, BOB], id="each listener once"),
    ],
)
def test_what_is_published_first(
    gate: Gate | None, changes: list[list[int]], published: list[int] | None
) -> None:
    desk = Desk(gate)
    for codes in changes:
        desk.changed(*codes)
    draft = desk.plan.draft()
    assert (None if draft is None else draft.listeners.tolist()) == published


def test_after_that_a_publication_has_what_changed_since_the_one_before() -> None:
    desk = Desk()
    desk.changed(ANN)
    assert listeners_of(desk.sent()) == [[ANN]]
    desk.changed(BOB)
    desk.changed(CID, BOB)
    assert listeners_of(desk.sent()) == [[BOB, CID]]


def test_a_record_without_changes_moves_the_frontier() -> None:
    desk = Desk()
    desk.changed(ANN)
    desk.sent()
    desk.changed()
    [only] = desk.sent()
    assert (only.listeners, only.part.frontier.position) == ([], (0, 1))


def test_each_publication_has_the_next_number_and_belongs_behind_the_one_before() -> None:
    desk, parts = Desk(), []
    for code in (ANN, BOB, CID):
        desk.changed(code)
        parts += desk.sent()
    assert [each.part.frontier.serial for each in parts] == [1, 2, 3]
    assert [each.part.expected for each in parts] == [
        CLAIMED,
        *(each.part.frontier for each in parts[:2]),
    ]
    assert {each.part.frontier.owner for each in parts} == {1}


def test_the_events_that_are_visible_with_a_publication_are_those_since_the_one_before() -> None:
    desk = Desk()
    desk.changed(ANN)
    desk.changed(BOB)
    assert [each.part.appended_at for each in desk.sent()] == [[0, 10]]
    desk.changed(CID)
    assert [each.part.appended_at for each in desk.sent()] == [[20]]


def test_the_fallback_list_is_made_now_and_then_by_one_shard() -> None:
    for makes_fallback in (True, False):
        desk, made_at = Desk(makes_fallback=makes_fallback), []
        for at in range(2 * FALLBACK_EVERY_RECORDS):
            desk.changed(ANN)
            draft = desk.draft()
            made_at += [at] if draft.has_fallback else []
            desk.number(draft)
        assert made_at == ([0, FALLBACK_EVERY_RECORDS] if makes_fallback else [])


# -- parts ---------------------------------------------------------------------------------------


def test_a_large_publication_goes_out_in_parts_of_which_the_last_ends_it() -> None:
    desk = Desk(lists_max=2)
    desk.changed(ANN, BOB, CID, DAN)
    desk.changed(ANN)
    parts = desk.sent()
    assert listeners_of(parts) == [[ANN, BOB], [CID, DAN]]
    assert [each.part.more_follow for each in parts] == [True, False]
    assert len({each.part.frontier.serial for each in parts}) == 1


def test_what_changes_between_parts_is_part_of_the_publication_as_of_the_later_place() -> None:
    desk = Desk(lists_max=1)
    desk.changed(ANN, BOB)
    desk.number(desk.draft())
    desk.changed(CID)
    later = [(each.listeners, each.part.frontier.as_of) for each in desk.sent()]
    assert later == [([BOB], 1), ([CID], 1)]


def test_what_changes_while_lists_are_ranked_belongs_to_the_next_publication() -> None:
    desk = Desk()
    desk.changed(ANN)
    draft = desk.draft()
    desk.changed(BOB)
    part = desk.number(draft)
    assert (part.frontier.as_of, draft.listeners.tolist()) == (0, [ANN])
    assert desk.plan.accepted(part.frontier)
    assert listeners_of(desk.sent()) == [[BOB]]


# -- what Redis answers --------------------------------------------------------------------------


def published(*codes: int, lists_max: int = 100) -> Desk:
    """A desk that has published a record for each of these listeners."""
    desk = Desk(lists_max=lists_max)
    for code in codes:
        desk.changed(code)
        desk.sent()
    return desk


@pytest.mark.parametrize(
    ("found", "answer", "repaired"),
    [
        pytest.param(CLAIMED, Behind(-1), [ANN, BOB, CID], id="it has nothing"),
        pytest.param(Frontier(0, 1, serial=2, owner=1), Behind(1), [CID], id="it fell back a bit"),
        pytest.param(Frontier(0, 0, serial=1), Behind(-1), [ANN, BOB, CID], id="another owner's"),
        pytest.param(
            Frontier(1, 0, serial=2, owner=1), Behind(-1), None, id="it is in a later log epoch"
        ),
        pytest.param(Frontier(0, 2, serial=9, owner=2), LaterOwner(2), None, id="a later owner's"),
    ],
)
def test_a_redis_that_is_not_where_it_was_thought_to_be_gets_what_it_lacks(
    found: Frontier, answer: Behind | LaterOwner, repaired: list[int] | None
) -> None:
    desk = published(ANN, BOB)
    desk.changed(CID)
    desk.number(desk.draft())
    assert desk.plan.refused(found) == answer
    assert desk.plan.is_due == isinstance(answer, Behind)
    if repaired is not None:
        [repair] = desk.sent()
        assert (repair.listeners, repair.part.expected) == (repaired, found)


def test_a_draft_is_out_of_date_once_redis_has_refused_the_publication_before() -> None:
    desk = published(ANN)
    desk.changed(BOB)
    desk.number(desk.draft())
    desk.changed(CID)
    draft = desk.draft()
    desk.plan.refused(CLAIMED)
    assert desk.plan.number(draft, desk.topic_at) is None
    assert listeners_of(desk.sent()) == [[ANN, BOB, CID]]


def test_once_redis_refused_a_part_the_topic_alone_gets_the_others_and_then_a_repair_follows() -> (
    None
):
    desk = Desk(lists_max=1)
    desk.changed(ANN, BOB)
    desk.number(desk.draft())
    desk.plan.refused(CLAIMED)
    [rest] = desk.sent()
    assert (rest.listeners, rest.part.expected) == ([BOB], None)
    assert listeners_of(desk.sent()) == [[ANN], [BOB]]


@pytest.mark.parametrize(
    ("known", "was_unavailable", "answer"),
    [
        pytest.param(True, False, Behind(0), id="it fell back since the look began"),
        pytest.param(True, True, Behind(0), id="it was away"),
        pytest.param(False, True, Behind(0), id="it was away from the beginning"),
        pytest.param(False, False, None, id="nothing was known of it"),
    ],
)
def test_a_look_at_redis_finds_out_that_it_fell_back(
    known: bool, was_unavailable: bool, answer: Behind | None
) -> None:
    desk = published(ANN)
    replica = desk.plan.redis_at
    desk.changed(BOB)
    desk.sent()
    assert replica is not None
    before = desk.plan.redis_at if known else None
    assert desk.plan.frontier_read(replica, before, was_unavailable=was_unavailable) == answer


def test_a_look_that_finds_redis_where_it_is_changes_nothing() -> None:
    desk = published(ANN)
    at = desk.plan.redis_at
    assert at is not None
    assert desk.plan.frontier_read(at, at, was_unavailable=False) is None
    assert not desk.plan.is_due


def test_a_repair_is_owed_until_both_stores_are_known_to_have_it() -> None:
    desk = published(ANN, BOB)
    desk.plan.refused(CLAIMED)
    [repair] = desk.sent()
    assert repair.part.frontier.missing_after == -1
    desk.topic_at = Frontier(0, 0, serial=1, owner=1)  # where its transaction is still under way
    desk.changed(CID)
    assert desk.sent()[0].part.frontier.missing_after == -1
    desk.changed(DAN)
    assert desk.sent()[0].part.frontier.missing_after is None


# -- erased listeners ----------------------------------------------------------------------------


def test_an_erased_listeners_list_is_removed_unless_the_listener_is_back() -> None:
    desk = published(ANN, BOB)
    desk.changed(erased=["ann", "bob"])
    desk.listeners.known = {"bob"}
    assert [each.part.removed for each in desk.sent()] == [["ann"]]
    desk.changed()
    assert [each.part.removed for each in desk.sent()] == [[]]


def test_a_repair_asks_the_log_who_was_erased_and_removes_them_with_its_last_part() -> None:
    desk = published(ANN, BOB)
    desk.changed(erased=["eve"])
    desk.listeners.erased = {2: "eve"}
    desk.sent()
    desk.plan.refused(CLAIMED)
    parts = [each.part for each in desk.sent()]
    assert [each.erasures for each in parts] == [[2], ()]
    assert [[*each.removed] for each in parts] == [[], ["eve"]]
    assert [each.more_follow for each in parts] == [True, False]


# -- the log is lost, and comes back -------------------------------------------------------------


def test_who_is_found_in_the_topic_and_unknown_is_removed_some_at_a_time() -> None:
    desk = published(ANN, lists_max=2)
    desk.listeners.known = {"ann", "eve"}
    desk.plan.found_leavings(["ann", "bob", "cid", "dan", "eve"])
    desk.listeners.known.add("dan")  # between the reading and the publication
    removed = []
    while desk.plan.is_due:
        removed.append(desk.sent()[-1].part.removed)
    assert removed == [["bob", "cid"], []]


def test_who_lost_the_log_sweeps_nothing_until_the_next_takeover() -> None:
    desk = published(ANN)
    desk.plan.found_leavings(["bob"])
    lose(desk)
    regain(desk)
    assert desk.sent()[-1].part.removed == []


def lose(desk: Desk) -> None:
    desk.plan.shut()


def regain(desk: Desk) -> None:
    desk.plan.owned(3, CLAIMED._replace(owner=3))
    desk.plan.opened(WIDE_OPEN, desk.topic_at)


@pytest.mark.parametrize("lists_max", [1, 100], ids=["in its middle", "before its beginning"])
def test_a_draft_of_a_former_ownership_is_not_published(lists_max: int) -> None:
    desk = Desk(lists_max=lists_max)
    desk.changed(ANN, BOB)
    if lists_max == 1:
        desk.number(desk.draft())
    draft = desk.draft()
    lose(desk)
    assert desk.plan.number(draft, desk.topic_at) is None
    assert desk.plan.draft() is None
    assert not desk.plan.accepted(Frontier(0, 0, serial=1, owner=1))
    assert desk.plan.refused(CLAIMED) is None


def test_a_process_that_regains_the_log_publishes_everything_as_the_owner_it_is_now() -> None:
    desk = Desk(lists_max=1)
    desk.changed(ANN, BOB)
    desk.number(desk.draft())
    draft = desk.draft()
    lose(desk)
    regain(desk)
    assert desk.plan.number(draft, desk.topic_at) is None
    parts = desk.sent()
    assert listeners_of(parts) == [[ANN], [BOB]]
    assert {each.part.frontier.owner for each in parts} == {3}
    assert {each.part.frontier.serial for each in parts} == {2}


def test_a_gate_that_is_set_again_ends_the_publication_under_way() -> None:
    desk = Desk(lists_max=1)
    desk.changed(ANN, BOB)
    desk.number(desk.draft())
    draft = desk.draft()
    desk.plan.opened(Gate((1, -1), -1), desk.topic_at)
    assert desk.plan.number(draft, desk.topic_at) is None
    assert desk.plan.draft() is None


@pytest.mark.parametrize(
    ("made_by", "former_made_by", "place", "published"),
    [
        ("one", "one", 1, [CID]),
        ("another", "one", 1, [ANN, BOB, CID]),
        ("one", "another", 1, [ANN, BOB, CID]),
        ("one", "another", 0, [CID]),
    ],
    ids=["by this one", "by another", "by a former shard's", "by one that published before"],
)
def test_lists_that_another_configuration_made_are_made_again(
    made_by: str, former_made_by: str, place: int, published: list[int]
) -> None:
    desk = Desk(gate=None)
    for code in (ANN, BOB, CID):
        desk.changed(code)
    plan = PublicationPlan(desk.listeners, made_by="one")
    store = Frontier(0, 1, serial=3, owner=2, made_by=made_by)
    former = Frontier(0, place, serial=3, owner=2, made_by=former_made_by)
    plan.owned(3, store)
    plan.opened(Gate((0, 1), 1), store, [StoreFrontiers(former, former)])
    draft = plan.draft()
    assert draft is not None
    assert draft.listeners.tolist() == published
