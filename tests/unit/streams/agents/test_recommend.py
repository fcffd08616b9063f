"""A recommender's heartbeats go on, whatever else takes longer."""

import asyncio
from typing import cast

from streams.agents.recommend import Cadence, Identity, Recommender
from streams.folding.log_position import Digest
from streams.heartbeats.heartbeat_writer import HeartbeatWriter
from streams.ownership.ownership import Ownership
from streams.publishing.publisher import Publisher
from streams.snapshots.state_keeper import StateKeeper
from tests.support.learning_log import a_fold
from topics.learning_progress import LearningProgress


class EndlessSnapshots:
    """A snapshot is always due, and takes for ever."""

    digest = Digest()
    snapshots = 0

    def take_digest(self) -> None:
        return

    def is_due(self, every_s: float) -> bool:
        return True

    async def write_snapshot(self) -> None:
        self.snapshots += 1
        await asyncio.Event().wait()


class EndlessRepair:
    """A publisher whose repair takes for ever."""

    repairs = 0

    async def repair_redis(self) -> None:
        self.repairs += 1
        await asyncio.Event().wait()


class Owned:
    """The log is this process's."""

    has_loaded = is_owner = True

    def __init__(self) -> None:
        self.waits_for: list[str] = []

    async def follow_plan(self, *, is_fenced: bool = False) -> bool:
        return False

    def check(self) -> None:
        return

    async def start_epoch_if_shut(self) -> None:
        return


class Heartbeats:
    """Counts them."""

    def __init__(self) -> None:
        self.written = 0

    def write(self, progress: LearningProgress) -> None:
        self.written += 1


class Desk:
    """A recommender among parts that take for ever."""

    def __init__(self, learn_until: int | None = None) -> None:
        self.heartbeats, self.state = Heartbeats(), EndlessSnapshots()
        self.publisher, self.ownership = EndlessRepair(), Owned()
        self.recommender = Recommender(
            Identity("echotune-recommender-first-0of1", "first", learn_until),
            Cadence(progress_every_s=0.0, snapshot_every_s=30.0, digest_every_records=1_000),
            fold=a_fold(),
            publisher=cast(Publisher, self.publisher),
            ownership=cast(Ownership, self.ownership),
            state=cast(StateKeeper, self.state),
            progress=cast(HeartbeatWriter, self.heartbeats),
        )

    async def beat(self, times: int) -> None:
        async with asyncio.timeout(30):
            for _ in range(times):
                await self.recommender.heartbeat()


async def test_heartbeats_go_on_while_a_repair_and_a_snapshot_take_longer() -> None:
    desk = Desk()
    await desk.beat(3)
    assert desk.heartbeats.written == 3
    assert desk.publisher.repairs == desk.state.snapshots == 1


async def test_a_recommender_that_waits_for_another_m_does_not_look_alive() -> None:
    desk = Desk()
    desk.ownership.waits_for = ["echotune-recommender-first-0of2"]
    await desk.beat(3)
    assert desk.heartbeats.written == 0


class Ended:
    """What a recommender asks of the other parts when it ends."""

    def end(self) -> None:
        return

    def close(self) -> None:
        return

    async def wait_until_written(self) -> None:
        return


async def test_nothing_is_written_at_the_end_of_a_recommender_whose_generation_is_retired() -> None:
    for is_kept in (True, False):
        desk, ended = Desk(), Ended()
        desk.ownership.end = ended.end  # type: ignore[attr-defined]
        desk.publisher.redis = desk.publisher.topic = ended  # type: ignore[attr-defined]
        desk.heartbeats.close = ended.close  # type: ignore[attr-defined]
        desk.state.write_snapshot = ended.wait_until_written  # type: ignore[method-assign]
        await desk.recommender.end(is_kept=is_kept)
        assert desk.heartbeats.written == int(is_kept)


async def test_a_generation_that_has_reached_its_end_says_so_once_and_then_is_silent() -> None:
    desk = Desk(learn_until=7)
    await desk.beat(2)
    assert desk.heartbeats.written == 2
    desk.state.digest = Digest("of its end", 7)
    await desk.beat(3)
    assert desk.heartbeats.written == 3
