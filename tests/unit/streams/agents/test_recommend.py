"""What becomes of a recommender that gets, loses and regains the log."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from streams.agents.recommend import Cadence, Identity, LogEdge, Recommender
from streams.kafka import waiting
from streams.kafka.log_reader import LogBounds
from streams.lists.frontier import NOTHING_PUBLISHED, Frontier, Gate
from streams.ownership.former_shards import FormerShards
from streams.progress.progress_writer import Digest, ProgressWriter
from streams.publishing.publisher import Publisher
from streams.publishing.topic_writer import TopicWriter
from streams.snapshots.snapshot_format import record_hash
from streams.snapshots.state_keeper import StateKeeper
from tests.support.learning_log import a_fold
from topics.control_records import ControlRecord
from topics.errors import ServerError
from topics.learning_progress import LearningProgress


class SlowState:
    """Loads as long as it takes until somebody else loads, too, if anybody does."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.has_begun = threading.Event()
        self._again = threading.Event()

    def make_ready(self) -> None:
        self.steps.append("begins")
        if not self.has_begun.is_set():
            self.has_begun.set()
            self._again.wait(0.3)
        self._again.set()
        self.steps.append("ends")

    digest = Digest()

    def take_digest(self) -> None:
        return

    is_always_due = False
    snapshots = 0

    def is_due(self, every_s: float) -> bool:
        return self.is_always_due

    async def keep(self) -> None:
        self.snapshots += 1
        await asyncio.Event().wait()


class NobodyBefore:
    """No recommenders of another M."""

    def ids(self) -> list[str]:
        return []

    def alive(self, ids: list[str]) -> list[str]:
        return []

    def frontiers(self, ids: list[str]) -> list[Frontier]:
        return []

    def fence(self, ids: list[str]) -> list[Frontier]:
        return []


class ShutPublisher:
    """Never gets to publish."""

    gate: Gate | None = None
    is_open = False

    def __init__(self) -> None:
        self.repairs = 0
        self.redis = self

    async def asked(self, ask: object, retry_s: float) -> Frontier:
        return NOTHING_PUBLISHED

    async def take_over(self, retry_s: float) -> None:
        await asyncio.Event().wait()

    async def look_after(self) -> None:
        self.repairs += 1
        await asyncio.Event().wait()

    def open_with(self, gate: Gate) -> None:
        self.gate = gate

    def shut(self, topic: object) -> None:
        return


class NoTopic:
    """Takes no lists."""

    def check(self) -> None:
        return

    def abandon(self) -> None:
        return

    def renewed(self) -> "NoTopic":
        return self


class Heartbeats:
    """Counts them."""

    def __init__(self) -> None:
        self.written = 0

    def write(self, progress: LearningProgress) -> None:
        self.written += 1


def a_recommender(
    state: SlowState, progress: Heartbeats, log: LogEdge | None = None
) -> Recommender:
    return Recommender(
        Identity("echotune-recommender-first-0of1", "first"),
        Cadence(progress_every_s=0.0, snapshot_every_s=30.0, digest_every_records=1_000),
        fold=a_fold(),
        publisher=cast(Publisher, ShutPublisher()),
        topic=cast(TopicWriter, NoTopic()),
        state=cast(StateKeeper, state),
        progress=cast(ProgressWriter, progress),
        former=cast(FormerShards, NobodyBefore()),
        log=log,
    )


async def test_who_gets_the_log_back_while_the_state_still_loads_waits_for_that() -> None:
    state = SlowState()
    recommender = a_recommender(state, Heartbeats())
    recommender.on_assigned(is_owner=True)
    begins = asyncio.create_task(recommender.begin())
    await asyncio.to_thread(state.has_begun.wait)
    recommender.on_assigned(is_owner=False)
    begins.cancel()
    recommender.on_assigned(is_owner=True)
    assert await recommender.begin() == 0
    assert state.steps == ["begins", "ends", "begins", "ends"]
    recommender.on_assigned(is_owner=False)


async def test_heartbeats_go_on_while_a_repair_and_a_snapshot_take_longer() -> None:
    heartbeats, state = Heartbeats(), SlowState()
    state.is_always_due = True
    recommender = a_recommender(state, heartbeats)
    recommender.on_assigned(is_owner=True)
    await recommender.begin()
    async with asyncio.timeout(5):
        for _ in range(3):
            await recommender.beat()
    assert heartbeats.written == 3
    assert cast(ShutPublisher, recommender._publisher).repairs == state.snapshots == 1
    recommender.on_assigned(is_owner=False)


async def test_a_log_epoch_begins_once_kafka_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "RETRY_S", 0.0)
    answers: list[Exception | int] = [ServerError("away", ""), ServerError("away", ""), 7]
    written: list[ControlRecord] = []

    def write(control: ControlRecord) -> int:
        written.append(control)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    recommender = a_recommender(SlowState(), Heartbeats(), LogEdge(an_empty_log, write))
    publisher = cast(ShutPublisher, recommender._publisher)
    publisher.gate, recommender._log_end = Gate((3, -1), -1), 9  # so it ended before it was cut
    await recommender._start_epoch_if_shut()
    assert [each.epoch for each in written] == [4, 4, 4]
    assert (publisher.gate, recommender._log_end) == (Gate((4, -1), -1), 8)


@contextmanager
def an_empty_log() -> Iterator[Any]:
    yield SimpleNamespace(bounds=lambda: LogBounds(0, 0))


@pytest.mark.parametrize(
    ("value", "opens_at"), [(b"what lists were made of", (0, 7)), (b"another", (1, -1))]
)
async def test_a_log_that_was_cut_while_it_is_folded_up_to_the_gate_is_noticed(
    value: bytes, opens_at: tuple[int, int]
) -> None:
    recommender = a_recommender(SlowState(), Heartbeats())
    publisher = cast(ShutPublisher, recommender._publisher)
    publisher.gate = Gate((0, 7), 3)
    recommender._hashes = {7: record_hash(b"what lists were made of", 5)}
    for at in (6, 7, 8):  # nothing but the record that lists were made of is looked at
        found = value if at == 7 else None
        recommender._notice_another_log([SimpleNamespace(offset=at, value=found, timestamp=5)])
    assert publisher.gate.opens_at == opens_at


class SilencedMeanwhile(ShutPublisher):
    """Redis says, when it is claimed for the first time, that shards of another M silenced it."""

    def __init__(self) -> None:
        super().__init__()
        self.owners = iter([0, 2, 3, 3])
        self.topics: list[object] = []

    async def asked(self, ask: object, retry_s: float) -> Frontier:
        return NOTHING_PUBLISHED._replace(owner=next(self.owners))

    async def take_over(self, retry_s: float) -> tuple[Frontier, Frontier]:  # type: ignore[override]
        return await self.asked(None, retry_s), NOTHING_PUBLISHED

    def shut(self, topic: object) -> None:
        self.topics.append(topic)


class ShardsBefore(NobodyBefore):
    """Counts how often it is looked for recommenders of another M."""

    def __init__(self) -> None:
        self.looks = 0

    def ids(self) -> list[str]:
        self.looks += 1
        return []


async def test_who_was_silenced_before_it_had_taken_over_looks_anew_for_another_m() -> None:
    recommender = a_recommender(SlowState(), Heartbeats())
    publisher, before = SilencedMeanwhile(), ShardsBefore()
    recommender._publisher = cast(Publisher, publisher)
    recommender._former = cast(FormerShards, before)
    _, redis, _ = await recommender._taken_over()
    assert redis.owner == 3
    assert before.looks == 2
    assert publisher.topics == [recommender._topic]
