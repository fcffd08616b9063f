"""A server as a process of its own, known again by its pid and start time."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from topics.errors import ServerError

LOOPBACK = "127.0.0.1"
_POLL_S = 0.05
_SAME_START_S = 1.0
_LOG_LINES_SHOWN = 8


@dataclass(frozen=True)
class Daemon:
    """A running process; `started` (Unix seconds) tells it from a later one with its pid."""

    pid: int
    started: float
    port: int

    def is_alive(self) -> bool:
        """Whether this very process still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < _SAME_START_S
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def stop(self, timeout_s: float) -> None:
        """Asks it to end; after `timeout_s` it is killed."""
        self.signal(signal.SIGTERM)
        if not self.wait_gone(timeout_s):
            self.signal(signal.SIGKILL)
            self.wait_gone(timeout_s)

    def signal(self, number: int) -> None:
        """Sends a signal if it still runs."""
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait_gone(self, timeout_s: float) -> bool:
        """Waits until it has ended; False if it has not in time."""
        deadline = time.monotonic() + timeout_s
        while self.is_alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
        self._reap()
        return True

    def _reap(self) -> None:
        """Lets the system forget it, where it was a child of this process."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def as_json(self) -> dict[str, Any]:
        """JSON values that `Daemon(**...)` takes."""
        return asdict(self)


def spawn(
    command: Sequence[str],
    *,
    port: int,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Daemon:
    """Starts `command` in a session of its own, so that it outlives its starter."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=log.parent,
            env={**os.environ, **(environment or {})},
        )
    process.returncode = 0  # it outlives this object, which need not warn that it still runs
    return Daemon(process.pid, psutil.Process(process.pid).create_time(), port)


def wait_ready(daemon: Daemon, name: str, log: Path, timeout_s: float) -> None:
    """Waits until the port answers; raises `ServerError` with the log's end where it never does."""
    deadline = time.monotonic() + timeout_s
    while not answers(daemon.port):
        if not daemon.is_alive() or time.monotonic() > deadline:
            what = "did not answer in time" if daemon.is_alive() else "ended at once"
            raise ServerError(f"{name} {what}:\n{_tail(log)}", f"Its log is {log}.")
        with contextlib.suppress(ChildProcessError):
            os.waitpid(daemon.pid, os.WNOHANG)
        time.sleep(_POLL_S)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_LINES_SHOWN:])


def answers(port: int) -> bool:
    """Whether something listens on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0


def free_port(wanted: int = 0) -> int:
    """`wanted` if it is free, else any free loopback port."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServerError("No loopback port is free.", "Close something that listens.")
