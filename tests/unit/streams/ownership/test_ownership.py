"""What becomes of a recommender that gets, loses and regains the log."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from streams.kafka import retries
from streams.kafka.topic_facts import Bounds
from streams.ownership.gate_opening import Opening
from streams.ownership.ownership import EPOCH_AFTER_S, LogEdge, Ownership
from streams.ownership.takeover import AlwaysServing, Takeover
from streams.publishing.gate import Gate
from streams.publishing.publisher import Publisher
from streams.snapshots.state_keeper import StateKeeper
from tests.support.learning_log import a_fold
from topics.control_records import ControlRecord
from topics.errors import ServerError
from topics.learning_log import record_hash

LOAD_TIMEOUT_S = 0.3


class SlowState:
    """The first load takes until somebody else loads, too, if anybody does."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.has_begun = threading.Event()
        self._again = threading.Event()

    def load_or_check(self) -> None:
        self.steps.append("begins")
        if not self.has_begun.is_set():
            self.has_begun.set()
            self._again.wait(LOAD_TIMEOUT_S)
        self._again.set()
        self.steps.append("ends")


class FoundOpening:
    """A takeover that finds this opening, and sets its gate."""

    def __init__(self, opening: Opening, publisher: "GateAlone") -> None:
        self.opening, self._publisher = opening, publisher
        self.waits_for: list[str] = []
        self.stopped_times = 0
        self.serving = AlwaysServing()

    async def run(self) -> Opening:
        self._publisher.gate = self.opening.gate
        return self.opening

    async def sweep(self) -> None: ...

    def stop_publishing(self) -> None:
        self.stopped_times += 1


class GateAlone:
    """A publisher that has nothing but a gate, which is shut."""

    gate: Gate | None = None
    is_open = False
    topic = SimpleNamespace(is_fenced=False, writes_lists=True)

    def open_with(self, gate: Gate) -> None:
        self.gate = gate


class Desk:
    """An ownership of a log that ends at 0, with a takeover that found `opening`."""

    def __init__(self, opening: Opening, write: Any = None) -> None:
        self.state, self.publisher = SlowState(), GateAlone()
        self.takeover = FoundOpening(opening, self.publisher)
        self.now_s = 0.0
        self.ownership = Ownership(
            cast(Takeover, self.takeover),
            cast(Publisher, self.publisher),
            cast(StateKeeper, self.state),
            log=LogEdge(an_empty_log, write),
            fold=a_fold(),
            clock=lambda: self.now_s,
        )

    async def take_over(self) -> Ownership:
        self.ownership.take_over()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert self.publisher.gate == self.takeover.opening.gate
        return self.ownership


@contextmanager
def an_empty_log() -> Iterator[Any]:
    yield SimpleNamespace(bounds=lambda: Bounds(0, 0))


def a_shut_gate(hashes: dict[int, str] | None = None, log_end: int = 9) -> Opening:
    return Opening(Gate((3, -1), -1), log_end, hashes or {})


async def test_a_process_that_gets_the_log_back_while_it_still_loads_finishes_that_first() -> None:
    desk = Desk(a_shut_gate())
    ownership = desk.ownership
    ownership.on_assigned(is_owner=True)
    first = asyncio.create_task(ownership.load())
    await asyncio.to_thread(desk.state.has_begun.wait)
    ownership.on_assigned(is_owner=False)
    first.cancel()
    ownership.on_assigned(is_owner=True)
    assert ownership.is_loading
    await ownership.load()
    assert desk.state.steps == ["begins", "ends", "begins", "ends"]
    assert desk.takeover.stopped_times == 1


async def test_one_ownership_loads_once() -> None:
    desk = Desk(a_shut_gate())
    desk.ownership.on_assigned(is_owner=True)
    await desk.ownership.load()
    await desk.ownership.load()
    assert desk.state.steps == ["begins", "ends"]


async def test_a_log_epoch_begins_once_kafka_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "RETRY_S", 0.0)
    answers: list[Exception | int] = [ServerError("away", ""), ServerError("away", ""), 7]
    written: list[ControlRecord] = []

    def write(control: ControlRecord) -> int:
        written.append(control)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    desk = Desk(a_shut_gate(), write)  # the log ended at 9 before it was cut
    ownership = await desk.take_over()
    await ownership.start_epoch_if_shut()
    assert [each.epoch for each in written] == [4, 4, 4]  # type: ignore[union-attr]
    assert desk.publisher.gate == Gate((4, -1), -1)


class ACandidate(AlwaysServing):
    """Does not hold the topic."""

    holds_topic = False


async def test_a_candidate_leaves_it_to_the_stable_generation_to_begin_a_log_epoch() -> None:
    written: list[ControlRecord] = []
    desk = Desk(a_shut_gate(), lambda control: written.append(control) or 7)
    desk.takeover.serving = ACandidate()
    ownership = await desk.take_over()
    for desk.now_s in (0.0, EPOCH_AFTER_S - 0.1):
        await ownership.start_epoch_if_shut()
        assert written == []
    desk.now_s = EPOCH_AFTER_S  # the stable one has lost nothing, or does not run
    await ownership.start_epoch_if_shut()
    assert [each.epoch for each in written] == [4]  # type: ignore[union-attr]


async def test_a_candidate_that_is_promoted_while_it_waits_begins_the_epoch_at_once() -> None:
    written: list[ControlRecord] = []
    desk = Desk(a_shut_gate(), lambda control: written.append(control) or 7)
    desk.takeover.serving = ACandidate()
    ownership = await desk.take_over()
    await ownership.start_epoch_if_shut()
    desk.takeover.serving = AlwaysServing()
    await ownership.start_epoch_if_shut()
    assert len(written) == 1


async def test_how_long_a_candidate_has_waited_is_forgotten_with_its_ownership() -> None:
    desk = Desk(a_shut_gate(), pytest.fail)
    desk.takeover.serving = ACandidate()
    ownership = await desk.take_over()
    ownership.on_assigned(is_owner=True)
    await ownership.start_epoch_if_shut()
    ownership.on_assigned(is_owner=False)
    desk.takeover.opening = a_shut_gate()
    desk.now_s = 3 * EPOCH_AFTER_S
    await desk.take_over()
    await ownership.start_epoch_if_shut()


async def test_no_log_epoch_begins_while_the_log_holds_more_than_was_folded() -> None:
    desk = Desk(a_shut_gate())
    ownership = await desk.take_over()
    ownership.on_assigned(is_owner=True)

    @contextmanager
    def a_longer_log() -> Iterator[Any]:
        yield SimpleNamespace(bounds=lambda: Bounds(0, 5))

    longer = Ownership(
        cast(Takeover, desk.takeover),
        cast(Publisher, desk.publisher),
        cast(StateKeeper, desk.state),
        log=LogEdge(a_longer_log, pytest.fail),
        fold=a_fold(),
    )
    longer.take_over()
    await asyncio.sleep(0)
    await longer.start_epoch_if_shut()
    assert desk.publisher.gate == Gate((3, -1), -1)


async def test_where_a_former_ownership_saw_the_log_end_is_forgotten_with_it() -> None:
    desk = Desk(a_shut_gate())
    ends, asked, answers = [0, 5], threading.Event(), threading.Event()

    @contextmanager
    def a_log() -> Iterator[Any]:
        asked.set()
        answers.wait()
        yield SimpleNamespace(bounds=lambda: Bounds(0, ends.pop(0)))

    desk.ownership._log = LogEdge(a_log, pytest.fail)
    ownership = await desk.take_over()
    ownership.on_assigned(is_owner=True)
    heartbeat = asyncio.create_task(ownership.start_epoch_if_shut())
    await asyncio.to_thread(asked.wait)
    ownership.on_assigned(is_owner=False)
    desk.takeover.opening = again = Opening(Gate((0, 4), 3), log_end=5, hashes={})
    await desk.take_over()
    answers.set()
    await heartbeat
    await ownership.start_epoch_if_shut()
    assert desk.publisher.gate == again.gate


@pytest.mark.parametrize(
    ("value", "opens_at"), [(b"what lists were made of", (0, 7)), (b"another", (1, -1))]
)
async def test_a_log_that_was_cut_while_it_is_folded_up_to_the_gate_is_noticed(
    value: bytes, opens_at: tuple[int, int]
) -> None:
    hashes = {7: record_hash(b"what lists were made of", 5)}
    desk = Desk(Opening(Gate((0, 7), 3), 9, hashes))
    ownership = await desk.take_over()
    for at in (6, 7, 8):  # nothing but the record that lists were made of is looked at
        found = value if at == 7 else None
        ownership.compare([SimpleNamespace(offset=at, value=found, timestamp=5)])
    assert desk.publisher.gate is not None
    assert desk.publisher.gate.opens_at == opens_at


@pytest.mark.parametrize(
    ("is_fenced", "writes_lists", "again"),
    [(True, False, True), (True, True, False), (False, False, False)],
    ids=["beside the topic", "holder", "by redis"],
)
async def test_a_generation_without_the_topic_that_a_new_stable_one_fenced_claims_again(
    is_fenced: bool, writes_lists: bool, again: bool
) -> None:
    desk = Desk(a_shut_gate())
    ownership = await desk.take_over()
    desk.publisher.topic = SimpleNamespace(is_fenced=is_fenced, writes_lists=writes_lists)
    assert not await ownership.follow_plan()  # who is not fenced goes on
    assert await ownership.follow_plan(is_fenced=True) is again
    assert desk.takeover.stopped_times == again
    await asyncio.sleep(0)
    ownership.end()


async def test_a_claim_that_failed_is_not_tried_again_for_ever() -> None:
    desk = Desk(a_shut_gate())

    async def fail() -> Opening:
        raise ServerError("fenced", "")

    desk.takeover.run = fail  # type: ignore[method-assign]
    desk.publisher.topic = SimpleNamespace(is_fenced=True, writes_lists=False)
    desk.ownership.take_over()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not await desk.ownership.follow_plan(is_fenced=True)
