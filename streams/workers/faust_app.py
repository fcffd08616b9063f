"""The composition root: the one place where settings, servers, decisions and edges meet."""

import asyncio
import gc
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import faust
import uvloop
from faust.types.tuples import Message

from streams.addresses import Addresses
from streams.kafka.batch_transport import BatchTransport
from streams.kafka.chunks import ChunkSchema, StartingPositions
from streams.kafka.pacer import AT_ONCE, Pace
from streams.settings import Settings

SWITCH_INTERVAL_S = 0.0005
"""Hand-over of the GIL between Faust's consumer thread and its main thread."""
METADATA_AGE_MAX_MS = 5_000
"""After so long a topic that was deleted and made again is noticed."""
HEARTBEATS_A_SESSION = 10
"""They cost next to nothing, and the next one tells a standby that the owner is gone."""
GARBAGE_EVERY_OBJECTS = 10_000
"""Objects made between two looks for garbage: lists are made by the thousand and never cyclic."""
_COMMIT_EVERY_S = 1.0
_FETCH_BYTES_MAX = 4 * 1024 * 1024


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
    app = faust.App(
        app_id,
        broker=f"kafka://{addresses.kafka.replace(',', ';kafka://')}",
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
    """Adds the one agent of an app: `handle` gets chunks one by one, and has each acknowledged."""

    @app.agent(app.topic(topic, schema=ChunkSchema(), value_type=bytes), name=name, concurrency=1)
    async def run(chunks: faust.StreamT) -> None:
        async for event in chunks.noack().events():
            try:
                await handle(event.message)
            except Exception as error:  # not understood: stop before anything is acknowledged
                await app.crash(error)
                return


def _client_id() -> str:
    """A name that sorts by age, so that an older process keeps what it has when another joins.

    Round-robin assignment goes by member id, which the broker makes of this.
    """
    return f"echotune-{time.time_ns() // 1_000_000:013d}-{os.getpid()}"


class Worker(Protocol):
    """A Faust app and what has to be done around it."""

    app: faust.App

    async def start(self) -> None:
        """Begins what runs beside the app."""
        ...

    async def end(self, *, is_clean: bool) -> None:
        """Ends it, once consuming has stopped; after a crash the state may be half changed."""
        ...


def run_worker(build: Callable[[], Worker], settings: Settings) -> None:
    """Runs a worker until SIGTERM or Ctrl-C; raises what crashed it."""
    (settings.home / "faust").mkdir(parents=True, exist_ok=True)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(build))


async def _serve(build: Callable[[], Worker]) -> None:
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_stop.set)
    worker = build()
    app = worker.app
    app.finalize()
    _spare_what_stays()
    await worker.start()
    ends = [asyncio.create_task(each) for each in (asked_to_stop.wait(), _crash_of(app))]
    start = asyncio.create_task(app.start())
    await asyncio.wait([*ends, start], return_when=asyncio.FIRST_COMPLETED)
    if start.done():
        start.result()
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    start.cancel()
    await app.stop()
    await worker.end(is_clean=app.crash_reason is None)
    if app.crash_reason is not None:
        raise app.crash_reason


def _spare_what_stays() -> None:
    """Garbage is not looked for among what is loaded by now: a full look took 145 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_EVERY_OBJECTS, *gc.get_threshold()[1:])


async def _crash_of(app: faust.App) -> None:
    await app._crashed.wait()
