"""Runs the HTTP service: opens its services, binds its port, and says where it is in Redis."""

import asyncio
import contextlib
import resource
import signal
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import closing
from typing import Any, Protocol, TypeVar

import structlog
import uvicorn
from redis.asyncio import Redis

from infra.home import stored_json, writing_in
from streams.addresses import Addresses
from streams.answering.asking import ModelQuestions
from streams.listens.kept_playlists import KeptPlaylists
from streams.listens.listen_history import ListenHistory
from streams.lists.served_lists import ServedLists
from streams.monitoring.worker_status import write_relay_statuses, write_service_status
from streams.people.mongo_people import MongoPeople
from streams.people.people_directory import PeopleDirectory
from streams.producers.acknowledged_producer import AcknowledgedProducer
from streams.redis_client import redis_of
from streams.relaying.relay_runner import RelayRunner
from streams.relaying.relay_store import RelayStore
from streams.serving.client_stamps import client_stamps
from streams.serving.console.console_state import ConsoleState
from streams.serving.forgetting import listen_projector
from streams.serving.http_app import http_app
from streams.serving.http_protocol import CONNECTIONS_MAX, BoundedHttpProtocol
from streams.serving.lasting_parts import LastingParts
from streams.serving.playback_settler import PlaybackSettler
from streams.serving.rate_limits import ReadLimits
from streams.serving.services import Services
from streams.serving.skip_settler import SkipSettler
from streams.settings import Settings
from streams.tracks.mongo_track_catalogue import MongoTrackCatalogue
from streams.tracks.remembered_tracks import RememberedTracks
from streams.workers.stopping import handle
from topics.errors import ServerError

_log = structlog.get_logger(__name__)
_STATUS_EVERY_S = 2.0
_BACKLOG = 1_024
_KEEP_ALIVE_S = 75
_GRACE_S = 5
_PORT_FILE = "http-port.json"
_PORT_END = 1 << 16
OPEN_FILES = 2 * CONNECTIONS_MAX
"""Open files that suffice for all connections and for servers and files beside them."""


def serve(settings: Settings, addresses: Addresses, say: Callable[[str], object]) -> None:
    """Serves until a signal to stop; raises `ServerError` if it cannot begin.

    SIGTERM and SIGHUP end it as they end a worker: in order, and without an error. Ctrl-C ends it
    in order, too, but as any other command.
    """
    if not addresses.mongo:
        raise ServerError(
            "The HTTP service needs a MongoDB for people and their listens.",
            "Set ECHOTUNE_MONGO, or run `echotune up` where Python is older than 3.14.",
        )
    client_stamps(settings.client_stamps)  # raises before anything listens
    asyncio.run(_check_people(settings, addresses))
    _raise_open_files()
    with bound_socket(settings) as listening:
        url = _url(listening)
        say(f"serving at {url}; below it is /1/, as players expect it")
        console = ConsoleState()
        parts = LastingParts(lambda: _end(server))
        app = http_app(lambda: open_services(settings, addresses, url, console, parts))
        config = uvicorn.Config(
            app,
            http=BoundedHttpProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
            lifespan="on",
        )
        server = uvicorn.Server(config)
        console.streams.is_ending = lambda: server.should_exit
        handle((signal.SIGTERM, signal.SIGHUP), lambda *_: _end(server))
        server.run(sockets=[listening])  # it raises each signal again that it was stopped by
        if not server.started:
            raise ServerError("The HTTP service could not begin.", "Its log says why.")
        parts.check()


def _end(server: uvicorn.Server) -> None:
    """Has a server answer what it has begun to, and end."""
    server.should_exit = True


def bound_socket(settings: Settings) -> socket.socket:
    """A listening socket at the address of the settings.

    A port of 0 is the one of the last service of this home, so that players find it again, or
    else any free one.
    """
    if settings.http_port:
        return _bound(settings.http_host, settings.http_port)
    before = stored_json(settings.home / _PORT_FILE)
    if isinstance(before, int) and 0 < before < _PORT_END:
        with contextlib.suppress(ServerError):
            return _bound(settings.http_host, before)
    listening = _bound(settings.http_host, 0)
    if before is None:
        with writing_in(settings.home):
            port = listening.getsockname()[1]
            (settings.home / _PORT_FILE).write_text(str(port), encoding="ascii")
    return listening


def _raise_open_files() -> None:
    """Raises the number of files that may be open as far as it goes: a connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise ServerError(
            f"The HTTP service cannot use {host}:{port}: {error.strerror or error}.",
            "Choose another --port, or leave it out to get a free one.",
        ) from error
    return listening


async def _check_people(settings: Settings, addresses: Addresses) -> None:
    """Raises `ServerError` if people cannot be read, before anything listens."""
    store = MongoPeople(addresses.mongo, prefix=settings.prefix)
    try:
        await store.version()
    finally:
        await store.close()


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


@contextlib.asynccontextmanager
async def open_services(
    settings: Settings,
    addresses: Addresses,
    url: str,
    console: ConsoleState,
    parts: LastingParts,
) -> AsyncIterator[Services]:
    """The services of the process at `url`, with the parts that work beside its requests.

    Each of them that was opened is closed, the last one first, though another one fails.
    """
    async with contextlib.AsyncExitStack() as opened:
        services = await _services(settings, addresses, console, opened)
        working = _working(services, opened)
        opened.push_async_callback(parts.stop)
        for each in (*working, _report(services.redis, settings, url)):
            parts.begin(each)
        yield services


async def _services(
    settings: Settings,
    addresses: Addresses,
    console: ConsoleState,
    opened: contextlib.AsyncExitStack,
) -> Services:
    stamps = client_stamps(settings.client_stamps)
    redis = await opened.enter_async_context(contextlib.aclosing(redis_of(addresses)))
    store = _closed_by(opened, MongoPeople(addresses.mongo, prefix=settings.prefix))
    people = PeopleDirectory(store, redis, settings.prefix)
    await people.load()
    return Services(
        settings,
        addresses,
        people,
        _closed_by(opened, AcknowledgedProducer(addresses.kafka)),
        redis,
        ServedLists(settings, redis),
        ModelQuestions(redis, settings.prefix),
        _closed_by(opened, RememberedTracks(MongoTrackCatalogue(addresses.mongo))),
        opened.enter_context(closing(ListenHistory(addresses.mongo, prefix=settings.prefix))),
        opened.enter_context(closing(KeptPlaylists(addresses.mongo, prefix=settings.prefix))),
        stamps,
        ReadLimits(redis, settings.http_reads_max, settings.prefix),
        console,
    )


class _Part(Protocol):
    async def close(self) -> None: ...


P = TypeVar("P", bound=_Part)


def _closed_by(opened: contextlib.AsyncExitStack, part: P) -> P:
    """The part, which is closed at the end."""
    opened.push_async_callback(part.close)
    return part


def _working(
    services: Services, opened: contextlib.AsyncExitStack
) -> list[Coroutine[Any, Any, None]]:
    """What works beside the requests; at the end each gives back what it holds."""
    redis, settings = services.redis, services.settings
    settler = PlaybackSettler(redis, services.producer, settings.prefix)
    skips = SkipSettler(redis, services.producer, services.history, settings.prefix)
    relays = opened.enter_context(
        closing(RelayStore(services.addresses.mongo, prefix=settings.prefix))
    )
    projector = listen_projector(services, relays)
    relaying = RelayRunner(
        *(redis, relays, services.history),
        lambda statuses: write_relay_statuses(redis, statuses, settings.prefix),
        settings.prefix,
    )
    for each in (relaying, skips, settler, projector):
        opened.push_async_callback(each.release)
    return [
        services.people.run(),
        projector.run(),
        settler.run(),
        *((skips.run(),) if settings.hidden_skips else ()),
        relaying.run(),
        services.questions.run(),
        services.reads.run(),
    ]


async def _report(redis: Redis, settings: Settings, url: str) -> None:
    """Says in Redis where this service is, for `echotune status`."""
    service_id = uuid.uuid4().hex  # two containers may have one host name and one process id
    while True:
        await write_service_status(redis, service_id, {"url": url}, settings.prefix)
        await asyncio.sleep(_STATUS_EVERY_S)
