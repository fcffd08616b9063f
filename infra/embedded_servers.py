"""Starts, finds and stops the embedded servers of one machine; all state is in one folder."""

import fcntl
import json
import signal
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from infra.daemon import Daemon, find_orphan, free_port
from infra.home import claim, stored_json, writing_in
from infra.kafka_server import VERSION as KAFKA_VERSION
from infra.kafka_server import KafkaServer
from infra.mongo_server import MongoServer
from infra.redis_server import RedisServer
from infra.server_lock import check_is_free, server_lock
from topics.errors import ServerError

STOP_TIMEOUT_S = 6.0
SERVERS = ("kafka", "redis", "mongo")
TITLES = {"kafka": "Kafka", "redis": "Redis", "mongo": "MongoDB"}
"""What people call the servers."""
_STATE_FILE = "servers.json"

Say = Callable[[str], None]
Server = KafkaServer | RedisServer | MongoServer


@dataclass(frozen=True)
class Addresses:
    """Addresses of the servers; `mongo` is empty if it is not installed or cannot start."""

    kafka: str
    redis: str
    mongo: str


def _silent(_: str) -> None:
    """Prints nothing."""


def _port_like(before: Daemon | None, name: str, say: Say) -> int:
    """The port that a server had before, if it is free; otherwise another one."""
    port = free_port(before.port if before else 0)
    if before and port != before.port:
        say(f"port {before.port} of {name} is taken; {port} is used instead")
    return port


def _is_state(state: Any) -> bool:
    """Whether a document has the form of the state file."""
    try:
        daemons = [Daemon(**fields) for fields in state.get("daemons", {}).values()]
        addresses = Addresses(**state["addresses"]) if state else Addresses("", "", "")
    except (AttributeError, KeyError, TypeError):
        return False
    ports = [each.port for each in daemons] + [each.pid for each in daemons]
    return all(type(each) is int for each in ports) and all(
        type(each) is str for each in vars(addresses).values()
    )


class EmbeddedServers:
    """Kafka, Redis and MongoDB under `home`, on loopback ports that restarts keep."""

    def __init__(
        self,
        home: Path,
        *,
        kafka_libs: Path | None = None,
        want: Collection[str] = SERVERS,
        fast_start: bool = False,
    ) -> None:
        self._home = home.absolute()
        libs = kafka_libs or self._home / f"kafka-{KAFKA_VERSION}" / "libs"
        logs = self._logs = self._home / "logs"
        every: dict[str, Server] = {
            "kafka": KafkaServer(
                self._home / "kafka", libs.absolute(), logs / "kafka.log", fast_start=fast_start
            ),
            "redis": RedisServer(self._home / "redis", logs / "redis.log"),
            "mongo": MongoServer(self._home / "mongo", logs / "mongo.log"),
        }
        self._servers = {name: server for name, server in every.items() if name in want}
        self._writing = Lock()

    @property
    def wanted(self) -> list[str]:
        """Names of the servers that are started."""
        return list(self._servers)

    def up(self, say: Say = _silent) -> Addresses:
        """Starts servers that do not run yet; returns the addresses. Idempotent."""
        claim(self._home)
        with self._locked(), ThreadPoolExecutor(len(self._servers)) as pool:
            list(pool.map(lambda name: self._up_one(name, say), self._servers))
        return self._addresses()

    def _up_one(self, name: str, say: Say) -> None:
        try:
            self._start(name, say)
        except ServerError as error:
            if name != "mongo":
                raise
            say(f"MongoDB is missing, so players cannot connect, and tracks have no names: {error}")

    def _start(self, name: str, say: Say) -> None:
        """Starts a server that does not run, and waits for it.

        It is stored before the wait, so that `down` finds it even if the wait is interrupted.
        """
        running = self._daemons().get(name)
        if running is not None and running.is_alive():
            self._servers[name].wait_ready(running)
            return
        if orphan := self._orphans().get(name):
            orphan.stop(STOP_TIMEOUT_S)
        with writing_in(self._home), server_lock(self._lock(name), TITLES[name]) as lock:
            port = _port_like(running, name, say)
            daemon = self._servers[name].start(port, say, lock)
            self._store(name, daemon)
        try:
            self._servers[name].wait_ready(daemon)
        except ServerError:
            daemon.stop(STOP_TIMEOUT_S)
            self._store(name, running)
            raise
        say(f"{name} is up on port {port}")

    def down(self, say: Say = _silent) -> None:
        """Stops all running servers; kills those that do not end in time.

        Raises `ServerError` if one still runs, in another container: its data are in use.
        """
        with self._locked():
            running = {n: d for n, d in self._daemons().items() if d.is_alive()} | self._orphans()
            with ThreadPoolExecutor(max(1, len(running))) as pool:
                list(pool.map(lambda daemon: daemon.stop(STOP_TIMEOUT_S), running.values()))
            for name in running:
                say(f"{name} stopped")
            for name in self._servers:
                check_is_free(self._lock(name), TITLES[name])

    def start(self, name: str, say: Say = _silent) -> None:
        """Starts one server again, on its port."""
        with self._locked():
            self._start(name, say)

    def stop(self, name: str) -> None:
        """Stops one server."""
        self._daemons()[name].stop(STOP_TIMEOUT_S)

    def kill(self, name: str) -> None:
        """Kills one server (SIGKILL)."""
        daemon = self._daemons()[name]
        daemon.signal(signal.SIGKILL)
        daemon.wait_gone(STOP_TIMEOUT_S)

    def running(self) -> dict[str, bool]:
        """Name → whether the server runs."""
        daemons = self._daemons()
        return {name: name in daemons and daemons[name].is_alive() for name in self._servers}

    def log_of(self, name: str) -> Path:
        """The file with what a server says."""
        return self._logs / f"{name}.log"

    def pids(self) -> dict[str, int]:
        """Process ids of the running servers."""
        return {name: each.pid for name, each in self._daemons().items() if each.is_alive()}

    def addresses(self) -> Addresses | None:
        """Addresses of the servers; None if none was ever started."""
        return self._addresses() if self._state() else None

    def _addresses(self) -> Addresses:
        return Addresses(**self._state()["addresses"])

    def _lock(self, name: str) -> Path:
        return self._home / f"{name}.lock"

    # -- the state file --------------------------------------------------------------------

    @property
    def _file(self) -> Path:
        return self._home / _STATE_FILE

    def _state(self) -> dict[str, Any]:
        """The stored state; raises `ServerError` if the file has another form."""
        state = stored_json(self._file) or {}
        if not _is_state(state):
            raise ServerError(
                f"{self._file} is damaged.",
                "Remove it; `echotune up` writes it again. Servers that still run are found.",
            )
        return dict(state)

    def _daemons(self) -> dict[str, Daemon]:
        found = self._state().get("daemons", {})
        return {name: Daemon(**fields) for name, fields in found.items()}

    def _orphans(self) -> dict[str, Daemon]:
        """Running servers that are not in the state file, because their starter was killed."""
        known = set(self.pids().values())
        found = {name: find_orphan(self.log_of(name)) for name in self._servers}
        return {name: each for name, each in found.items() if each and each.pid not in known}

    def _store(self, name: str, daemon: Daemon | None) -> None:
        with self._writing:
            daemons = {n: d for n, d in self._daemons().items() if n != name}
            self._write(daemons | ({name: daemon} if daemon else {}))

    def _write(self, daemons: dict[str, Daemon]) -> None:
        addresses = {
            name: self._servers[name].address(daemons[name].port)
            if name in daemons and name in self._servers
            else ""
            for name in SERVERS
        }
        state = {
            "addresses": asdict(Addresses(**addresses)),
            "daemons": {name: daemon.as_json() for name, daemon in daemons.items()},
        }
        part = self._file.with_suffix(".part")
        part.write_text(json.dumps(state, indent=2))
        part.replace(self._file)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with writing_in(self._home):
            lock = (self._home / "servers.lock").open("w")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
