"""Which relays a runner starts, and what it says of them."""

import asyncio
from typing import Any, cast

from redis.asyncio import Redis
from structlog.testing import capture_logs

from streams.listens.listen_history import ListenHistory
from streams.redis_lease import RedisLease
from streams.relaying.relay import Relay
from streams.relaying.relay_runner import RelayRunner
from streams.relaying.relay_store import RelayStore
from topics.errors import ServerError

RELAY = Relay("ada@service.example", "ada", "https://service.example/", "secret", since=0)


class ALease:
    """A lease that this runner always holds."""

    async def holds(self) -> bool:
        return True


class AStore:
    """Relays, which take a while to be read."""

    def __init__(self) -> None:
        self.is_slow = False
        self.has_read, self.may_end = asyncio.Event(), asyncio.Event()

    async def all(self) -> list[Relay]:
        if self.is_slow:
            self.has_read.set()
            await self.may_end.wait()
        return [RELAY]


class ARunner(RelayRunner):
    """Notes which relays are delivered; each delivery ends when it may."""

    def __init__(self, store: AStore) -> None:
        async def told(_: Any) -> None: ...

        super().__init__(
            *(cast(Redis, None), cast(RelayStore, store), cast(ListenHistory, None), told)
        )
        self._lease = cast(RedisLease, ALease())
        self.started = 0
        self.may_end = asyncio.Event()

    async def _deliver(self, relay: Relay) -> None:
        self.started += 1
        await self.may_end.wait()

    async def _report(self, relays: Any) -> None: ...


async def test_a_relay_is_not_started_from_a_place_that_is_older_than_its_last_delivery() -> None:
    store = AStore()
    runner = ARunner(store)
    await runner._look()
    await asyncio.sleep(0)
    store.is_slow = True
    looking = asyncio.create_task(runner._look())
    await store.has_read.wait()
    runner.may_end.set()  # the delivery moves the relay on, after it was read
    await asyncio.gather(*runner._running.values())
    store.may_end.set()
    await looking
    await asyncio.sleep(0)
    assert runner.started == 1
    store.is_slow = False
    await runner._look()
    await asyncio.sleep(0)
    assert runner.started == 2


async def test_no_name_of_a_person_is_logged() -> None:
    class AHistory:
        async def position(self) -> Any:
            raise ServerError("MongoDB does not answer.", "Start it.")

    async def told(_: Any) -> None: ...

    runner = RelayRunner(
        *(cast(Redis, None), cast(RelayStore, None), cast(ListenHistory, AHistory()), told)
    )
    with capture_logs() as logs:
        await runner._deliver(RELAY)
    assert "MongoDB does not answer." in str(logs)
    assert "ada" not in str(logs)
