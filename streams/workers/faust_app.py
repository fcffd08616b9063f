"""Makes and runs a Faust app; workers compose settings, servers, decisions and edges in it."""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Protocol

import faust
import uvloop
from faust.types.assignor import PartitionAssignorT
from faust.types.tuples import Message

from streams.addresses import Addresses
from streams.kafka.balanced_assignor import BalancedAssignor
from streams.kafka.batch_transport import BatchTransport
from streams.kafka.chunks import ChunkSchema, StartingPositions
from streams.kafka.faust_credentials import broker_credentials
from streams.kafka.pacer import AT_ONCE, Pace
from streams.settings import Settings
from streams.workers.stopping import STOP_TIMEOUT_S, stop_on_signals
from topics.errors import ServerError

SWITCH_INTERVAL_S = 0.0005
"""Interval at which Faust's consumer thread and its main thread hand over the GIL."""
METADATA_AGE_MAX_MS = 5_000
"""Time after which a recreated topic (deleted and created again) is noticed."""
HEARTBEATS_A_SESSION = 10
"""Heartbeats per session timeout. A standby learns of a rebalance with its next heartbeat."""
GARBAGE_EVERY_OBJECTS = 10_000
"""Objects allocated between two garbage collections; the many objects of lists have no cycles."""
_COMMIT_EVERY_S = 1.0
_FETCH_BYTES_MAX = 4 * 1024 * 1024


class _App(faust.App):
    """An app without tables, and therefore without folders: a sequencer needs no writable home."""

    def _create_directories(self) -> None:
        pass

    @cached_property
    def assignor(self) -> PartitionAssignorT:
        """Decides which member of the group reads which partitions."""
        return BalancedAssignor(self)


def faust_app(
    settings: Settings,
    addresses: Addresses,
    app_id: str,
    *,
    starting_positions: StartingPositions,
    chunk_records_max: int,
    pace: Pace = AT_ONCE,
) -> faust.App:
    """A Faust app of literal name `app_id` (also its group) that reads chunks."""
    app = _App(
        app_id,
        broker=f"kafka://{addresses.kafka.replace(',', ';kafka://')}",
        broker_credentials=broker_credentials(addresses.kafka),
        store="memory://",
        datadir=str(settings.home / "faust" / app_id),
        topic_allow_declare=False,
        topic_disable_leader=True,
        reply_create_topic=False,
        web_enabled=False,
        stream_wait_empty=False,
        consumer_auto_offset_reset="none",
        consumer_max_fetch_size=_FETCH_BYTES_MAX,
        consumer_metadata_max_age_ms=METADATA_AGE_MAX_MS,
        broker_client_id=_client_id(),
        broker_max_poll_records=chunk_records_max,
        broker_commit_interval=_COMMIT_EVERY_S,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.session_timeout_s / HEARTBEATS_A_SESSION,
        broker_request_timeout=max(30.0, 2 * settings.session_timeout_s),
        autodiscover=False,
        origin=None,
    )
    app.transport = BatchTransport(
        app.conf.broker_consumer,
        app,
        chunks_in_flight_max=settings.chunks_in_flight_max,
        starting_positions=starting_positions,
        pace=pace,
    )
    return app


def add_agent(
    app: faust.App, topic: str, name: str, handle: Callable[[Message], Awaitable[None]]
) -> None:
    """Adds the only agent of an app; `handle` gets each chunk and sees to its acknowledgement."""

    @app.agent(app.topic(topic, schema=ChunkSchema(), value_type=bytes), name=name, concurrency=1)
    async def run(chunks: faust.StreamT) -> None:
        async for event in chunks.noack().events():
            try:
                await handle(event.message)
            except Exception as error:  # unexpected: stop before anything is acknowledged
                await app.crash(error)
                return


def _client_id() -> str:
    """A name that sorts by age, because partitions are assigned in the order of member ids.

    The broker derives the member id from this name.
    """
    return f"echotune-{time.time_ns() // 1_000_000:013d}-{os.getpid()}"


class Worker(Protocol):
    """A Faust app with the actions before it starts and after it ends."""

    app: faust.App

    async def start(self) -> None:
        """Starts the background work of the worker."""
        ...

    async def end(self, *, is_clean: bool) -> None:
        """Ends it after consuming has stopped; after a crash the state may be inconsistent."""
        ...


def run_worker(build: Callable[[], Worker]) -> None:
    """Runs a worker until SIGTERM, SIGHUP or Ctrl-C; raises what crashed it.

    It returns or raises within `STOP_TIMEOUT_S`, unless its event loop hangs.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(build))


async def _serve(build: Callable[[], Worker]) -> None:
    stop_requested = stop_on_signals()
    worker = build()
    app = worker.app
    app.finalize()
    _freeze_garbage_collector()
    await worker.start()
    ends = [asyncio.create_task(each) for each in (stop_requested.wait(), _crash_of(app))]
    start = asyncio.create_task(app.start())
    await asyncio.wait([*ends, start], return_when=asyncio.FIRST_COMPLETED)
    if start.done():
        start.result()
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    start.cancel()
    await _stop(worker)


async def _stop(worker: Worker) -> None:
    """Stops the app and ends the worker; raises what crashed it."""
    app, crash = worker.app, worker.app.crash_reason
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await app.stop()
            await worker.end(is_clean=crash is None)
    except TimeoutError as error:
        raise crash or ServerError(
            f"The worker did not stop within {STOP_TIMEOUT_S:.0f} s.",
            "Start it again: nothing is lost, and what it did not write comes again.",
        ) from error
    if crash is not None:
        raise crash


def _freeze_garbage_collector() -> None:
    """Exempts all objects that exist now from garbage collection: a full one took 145 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_EVERY_OBJECTS, *gc.get_threshold()[1:])


async def _crash_of(app: faust.App) -> None:
    await app._crashed.wait()
