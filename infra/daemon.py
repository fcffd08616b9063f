"""Runs a server as a daemon process, identified by its pid and start time."""

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
_WRITE_PID = 'echo $$ > "$0" && exec "$@"'


@dataclass(frozen=True)
class Daemon:
    """A process; `started` (Unix seconds) distinguishes it from a later one with the same pid."""

    pid: int
    started: float
    port: int

    def is_alive(self) -> bool:
        """Whether this process still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < _SAME_START_S
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def stop(self, timeout_s: float) -> None:
        """Terminates the process; kills it after `timeout_s`."""
        self.signal(signal.SIGTERM)
        if not self.wait_gone(timeout_s):
            self.signal(signal.SIGKILL)
            self.wait_gone(timeout_s)

    def signal(self, number: int) -> None:
        """Sends a signal if the process still runs."""
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait_gone(self, timeout_s: float) -> bool:
        """Waits until the process has ended; False if it has not ended in time."""
        deadline = time.monotonic() + timeout_s
        while self.is_alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
        self._reap()
        return True

    def _reap(self) -> None:
        """Reaps the ended process if it was a child of this one."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def as_json(self) -> dict[str, Any]:
        """JSON values from which `Daemon(**...)` makes an equal object."""
        return asdict(self)


def spawn(
    command: Sequence[str],
    *,
    port: int,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Daemon:
    """Starts `command` in its own session, so that it outlives the calling process.

    The process writes its pid next to `log` before it executes `command`, because the caller may be
    killed before it has stored the pid (see `find_orphan`).
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _WRITE_PID, str(_pid_file(log)), *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=log.parent,
            env={**os.environ, **(environment or {})},
        )
    process.returncode = 0  # suppresses the warning that the process outlives this object
    return Daemon(process.pid, psutil.Process(process.pid).create_time(), port)


def find_orphan(log: Path) -> Daemon | None:
    """The process that was last spawned with this log, if it still runs; its port is unknown.

    A pid that was reused is recognised: that process was not started just before the pid file.
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
    """Waits until the port answers; otherwise raises `ServerError` with the end of the log."""
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
    """`wanted` if it is free, otherwise any free loopback port except `besides`.

    The kernel may return the same port twice, as long as no process listens there.
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
