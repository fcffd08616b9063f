"""The projector of listens over a log in memory, on a real MongoDB and Redis; also as a process.

Run as `python -m tests.support.projecting MONGO REDIS PREFIX LOG PEOPLE WHERE TIME`, it kills
itself at the TIME-th time before the call WHERE (`write`, `move`, `keep` or `forget`).
"""

import asyncio
import os
import pickle
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from redis.asyncio import Redis

from streams.kafka.log_reader import LogReader
from streams.kafka.topic_facts import Bounds
from streams.kafka.voided_records import decoded_without_voids
from streams.listens import log_run, projection
from streams.listens.departures import Departures
from streams.listens.kept_verdicts import KeptVerdicts
from streams.listens.listen_history import ListenHistory
from streams.listens.listen_projector import ListenProjector
from streams.listens.projection import ProjectionStores
from tests.support.learning_log import WINDOW
from tests.support.mutations import mutate
from topics.learning_log import LogRecord

LOG_ID = "a log"
STEP = 4
"""Records that are projected at once."""


class MemoryLog:
    """What `LogReader` reads; `read` has the offset of each record that was read, in order."""

    def __init__(self, values: Sequence[bytes]) -> None:
        self.values = list(values)
        self.read: list[int] = []

    def opened(self) -> LogReader:
        """A reader of it."""
        return cast(LogReader, self)

    def topic_id(self) -> str:
        return LOG_ID

    def bounds(self) -> Bounds:
        return Bounds(0, len(self.values))

    def records(self, first: int, last: int) -> Iterator[tuple[int, bytes]]:
        for offset in range(first, last + 1):
            self.read.append(offset)
            yield offset, self.values[offset]

    def decoded(self, first: int, last: int) -> Iterator[tuple[int, LogRecord]]:
        return decoded_without_voids(self.records(first, last), first)

    def __exit__(self, *_: object) -> None:
        """Closes nothing."""


class Stores:
    """The stores of one installation, and the names of its people."""

    def __init__(self, mongo: str, redis: str, prefix: str, people: set[str]) -> None:
        self.history = ListenHistory(mongo, prefix=prefix)
        self.kept = KeptVerdicts(mongo, prefix=prefix)
        self.departures = Departures(mongo, prefix=prefix)
        self.redis = Redis.from_url(redis)
        self.prefix = prefix
        self.people = people
        self.forgotten: list[tuple[str, int]] = []
        self.failure: BaseException | None = None

    def projector(self, log: MemoryLog) -> ListenProjector:
        """A projector of `log`."""
        stores = ProjectionStores(
            open_log=log.opened,
            history=self.history,
            kept=self.kept,
            departures=self.departures,
            people=lambda: frozenset(self.people),
            forget=self._forget,
            duplicate_window=WINDOW,
        )
        return ListenProjector(stores, self.redis, prefix=self.prefix)

    async def _forget(self, name: str, until_ms: int) -> None:
        self.forgotten.append((name, until_ms))

    async def until(self, offset: int) -> None:
        """Waits until all people have everything up to `offset`."""
        for name in sorted(self.people):
            while not await self.history.reaches(name, offset):
                self.check()
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def projecting(self, log: MemoryLog) -> Any:
        """Projects meanwhile."""
        projector = self.projector(log)
        task = asyncio.create_task(projector.run())
        task.add_done_callback(self._ended)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await projector._lease.release()

    async def close(self) -> None:
        """Closes all connections."""
        for each in (self.history, self.kept, self.departures):
            each.close()
        await self.redis.aclose()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled():
            self.failure = task.exception()

    def check(self) -> None:
        """Raises what the projector failed with."""
        if self.failure is not None:
            raise self.failure


def killing(call: Callable[..., Awaitable[Any]], time: int) -> Callable[..., Awaitable[Any]]:
    """`call`, before whose `time`-th time the process is killed."""
    left = [time]

    async def called(*arguments: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return await call(*arguments)

    return called


def main(mongo: str, redis: str, prefix: str, log: str, people: str, where: str, time: str) -> None:
    """Projects the log of a file, and is killed."""
    if mutation := os.environ.get("ECHOTUNE_TEST_MUTATION"):
        mutate(mutation)
    projection.KEPT_EVERY_ROWS, log_run.RECORDS_A_STEP_MAX = 1, STEP
    values = pickle.loads(Path(log).read_bytes())

    async def run() -> None:
        stores = Stores(mongo, redis, prefix, set(people.split(",")))
        owner: Any = stores.kept if where == "keep" else stores.history
        setattr(owner, where, killing(getattr(owner, where), int(time)))
        async with stores.projecting(MemoryLog(values)):
            await stores.until(len(values) - 1)

    asyncio.run(run())


if __name__ == "__main__":
    main(*sys.argv[1:])
