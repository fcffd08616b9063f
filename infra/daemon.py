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
_SPAWN_MAX_S = 60.0
_ATTEMPTS = 3
_LOG_LINES_SHOWN = 8
_TELL_PID = 'echo $$ > "$0" && exec "$@"'


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
    """Starts `command` in a session of its own, so that it outlives its starter.

    It writes its process id beside `log` before it becomes `command`: whoever starts it may be
    killed before they can remember it (see `left_running`).
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _TELL_PID, str(_pid_file(log)), *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=log.parent,
            env={**os.environ, **(environment or {})},
        )
    process.returncode = 0  # it outlives this object, which need not warn that it still runs
    return Daemon(process.pid, psutil.Process(process.pid).create_time(), port)


def left_running(log: Path) -> Daemon | None:
    """What was spawned last with this log and still runs, remembered or not; its port is not known.

    A later process that got its id was not started just before the id was written.
    """
    try:
        pid, written = int(_pid_file(log).read_text()), _pid_file(log).stat().st_mtime
        found = Daemon(pid, psutil.Process(pid).create_time(), 0)
    except (OSError, ValueError, psutil.NoSuchProcess):
        return None
    was_spawned = -_SAME_START_S < written - found.started < _SPAWN_MAX_S
    return found if was_spawned and found.is_alive() else None


def _pid_file(log: Path) -> Path:
    return log.with_suffix(".pid")


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


def free_port(wanted: int = 0, *, besides: int = 0) -> int:
    """`wanted` if it is free, else any free loopback port but `besides`.

    The kernel may offer the same one twice, as long as nobody listens there.
    """
    for port in (wanted, *_ATTEMPTS * [0]):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((LOOPBACK, port))
                found = int(probe.getsockname()[1])
                if found != besides:
                    return found
    raise ServerError("No loopback port is free.", "Close something that listens.")
