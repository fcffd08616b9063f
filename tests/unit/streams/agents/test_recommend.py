"""What becomes of a recommender that gets, loses and regains the log."""

import asyncio
import threading
from typing import Any, cast

from streams.agents.recommend import Cadence, Identity, Recommender
from streams.former_shards import FormerShards
from streams.frontier import Frontier
from streams.progress import Digest, ProgressWriter
from streams.publishing import Publisher
from streams.state_keeping import StateKeeper
from streams.topic_lists import TopicLists
from tests.support.learning_log import a_fold
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

    def is_due(self, every_s: float) -> bool:
        return False


class NobodyBefore:
    """No recommenders of another M."""

    def ids(self) -> list[str]:
        return []

    def heard(self, ids: list[str]) -> list[str]:
        return []

    def silence(self, ids: list[str]) -> list[Frontier]:
        return []


class ShutPublisher:
    """Never gets to publish."""

    redis: Any = None
    gate = None

    def __init__(self) -> None:
        self.repairs = 0

    async def take_over(self, retry_s: float) -> None:
        await asyncio.Event().wait()

    async def look_after(self) -> None:
        self.repairs += 1
        await asyncio.Event().wait()

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


def a_recommender(state: SlowState, progress: Heartbeats) -> Recommender:
    return Recommender(
        Identity("echotune-recommender-first-0of1", "first"),
        Cadence(progress_every_s=0.0, snapshot_every_s=30.0, digest_every_records=1_000),
        kafka="",
        fold=a_fold(),
        publisher=cast(Publisher, ShutPublisher()),
        topic=cast(TopicLists, NoTopic()),
        state=cast(StateKeeper, state),
        progress=cast(ProgressWriter, progress),
        former=cast(FormerShards, NobodyBefore()),
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


async def test_heartbeats_go_on_during_a_repair_that_takes_longer_than_they_do() -> None:
    heartbeats = Heartbeats()
    recommender = a_recommender(SlowState(), heartbeats)
    recommender.on_assigned(is_owner=True)
    await recommender.begin()
    async with asyncio.timeout(5):
        for _ in range(3):
            await recommender.beat()
    assert heartbeats.written == 3
    assert cast(ShutPublisher, recommender._publisher).repairs == 1
    recommender.on_assigned(is_owner=False)
