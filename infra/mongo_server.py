"""The embedded MongoDB stand-in: SecantusDB, a process of its own; production uses MongoDB."""

import shutil
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

from infra.daemon import LOOPBACK, Daemon, spawn, wait_ready
from topics.errors import ServerError

READY_TIMEOUT_S = 30.0
_PROGRAM = "secantusd-py"
_WITHOUT_A_WHEEL = (3, 14)
"""First version of Python for which `pyproject.toml` does not install SecantusDB."""


_OTHERWISE = ": without it, no player can connect, and tracks have no names."


def server_program() -> str:
    """Path of the server; raises `ServerError` if it is not installed."""
    scripts = Path(sysconfig.get_path("scripts")) / _PROGRAM
    found = str(scripts) if scripts.is_file() else shutil.which(_PROGRAM)
    if found is None and sys.version_info >= _WITHOUT_A_WHEEL:
        raise ServerError(
            f"SecantusDB has no wheel for Python {sys.version_info[0]}.{sys.version_info[1]}.",
            f"Set ECHOTUNE_MONGO to a MongoDB of yours{_OTHERWISE}",
        )
    if found is None:
        raise ServerError(
            "SecantusDB is not installed.",
            f"Install echotune[embedded], or set ECHOTUNE_MONGO{_OTHERWISE}",
        )
    return found


class MongoServer:
    """One server whose data are in `folder`; `--sync-on-commit` makes writes durable."""

    name = "mongo"

    def __init__(self, folder: Path, log: Path) -> None:
        self._folder = folder
        self._log = log

    @staticmethod
    def address(port: int) -> str:
        """URL."""
        return f"mongodb://{LOOPBACK}:{port}"

    def start(self, port: int, say: Callable[[str], None], lock: int | None = None) -> Daemon:
        """Starts the server on `port` without waiting for it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        command = [server_program(), "--port", str(port), "--storage-path", str(self._folder)]
        command += ["--cache-size", "256M", "--sync-on-commit"]
        return spawn(command, port=port, log=self._log, lock=lock)

    def wait_ready(self, daemon: Daemon) -> None:
        """Waits until the server answers; raises `ServerError` if it never does."""
        wait_ready(daemon, "MongoDB", self._log, READY_TIMEOUT_S)
