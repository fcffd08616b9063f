"""What becomes of a recommender that gets, loses and regains the log."""

import asyncio
import threading
from typing import Any, cast

from streams.agents.recommend import Cadence, Identity, Recommender
from streams.former_shards import FormerShards
from streams.frontier import Frontier
from streams.publishing import Publisher
from streams.state_keeping import StateKeeper
from streams.topic_lists import TopicLists
from tests.support.learning_log import a_fold


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

    async def take_over(self, retry_s: float) -> None:
        await asyncio.Event().wait()

    def shut(self, topic: object) -> None:
        return


class NoTopic:
    """Takes no lists."""

    def abandon(self) -> None:
        return

    def renewed(self) -> "NoTopic":
        return self


def a_recommender(state: SlowState) -> Recommender:
    return Recommender(
        Identity("echotune-recommender-first-0of1", "first"),
        Cadence(progress_every_s=0.5, snapshot_every_s=30.0, digest_every_records=1_000),
        kafka="",
        fold=a_fold(),
        publisher=cast(Publisher, ShutPublisher()),
        topic=cast(TopicLists, NoTopic()),
        state=cast(StateKeeper, state),
        progress=cast(Any, None),
        former=cast(FormerShards, NobodyBefore()),
    )


async def test_who_gets_the_log_back_while_the_state_still_loads_waits_for_that() -> None:
    state = SlowState()
    recommender = a_recommender(state)
    recommender.on_assigned(is_owner=True)
    begins = asyncio.create_task(recommender.begin())
    await asyncio.to_thread(state.has_begun.wait)
    recommender.on_assigned(is_owner=False)
    begins.cancel()
    recommender.on_assigned(is_owner=True)
    assert await recommender.begin() == 0
    assert state.steps == ["begins", "ends", "begins", "ends"]
    recommender.on_assigned(is_owner=False)
