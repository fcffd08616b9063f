"""Runs a server as a daemon process, identified by its pid and its start.

The start is measured since the machine booted, so that no step of the clock changes it: a server
that was no longer recognised would be started a second time, on the same data.
"""

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from topics.errors import ServerError

LOOPBACK = "127.0.0.1"
_POLL_S = 0.05
_SAME_START_S = 1.0
"""Tolerance of starts that are Unix times: elsewhere than on Linux, and of older versions."""
_SPAWN_MAX_S = 60.0
_PORTS = range(20_000, 32_768)
"""Ports for servers; the kernel's own choices begin at 32768 (Linux) or 49152 (others)."""
_ATTEMPTS = 1_000
_CHANCE = random.SystemRandom()
"""Two processes never choose the same row of ports, whatever has seeded `random`."""
_given: set[int] = set()
_LINES_SHOWN = 8
_JAVA_PLACE = re.compile(r"\s+(at [\w.$/@<>-]+\(|\.\.\. \d+ more)")
"""A line of a stack trace."""
_WRITE_PID = '{ echo $$; cat /proc/$$/stat 2>/dev/null; } > "$0"; exec "$@"'
_START_FIELD = 19
"""Place of the start in /proc/PID/stat, counted behind the name of the program."""


@dataclass(frozen=True)
class Daemon:
    """A process; `started` and `boot` distinguish it from a later one with the same pid.

    `started` is in seconds since the boot with the id `boot`; in Unix seconds where that is empty.
    """

    pid: int
    started: float
    port: int
    boot: str = ""

    @classmethod
    def of(cls, pid: int, port: int = 0) -> "Daemon":
        """The process that has this pid now; raises `psutil.NoSuchProcess`."""
        with contextlib.suppress(OSError):
            return cls(pid, _since_boot_s(Path(f"/proc/{pid}/stat").read_bytes()), port, _boot_id())
        return cls(pid, psutil.Process(pid).create_time(), port)

    def is_alive(self) -> bool:
        """Whether this process still runs."""
        try:
            return self._is_same() and psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def _is_same(self) -> bool:
        if self.boot:
            return Daemon.of(self.pid, self.port) == self
        return abs(psutil.Process(self.pid).create_time() - self.started) < _SAME_START_S

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
    folder: Path | None = None,
    lock: int | None = None,
) -> Daemon:
    """Starts `command` in `folder` and its own session, so that it outlives the calling process.

    The process writes its pid next to `log` before it executes `command`, because the caller may be
    killed before it has stored the pid (see `find_orphan`). It inherits the descriptor `lock`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _WRITE_PID, str(_pid_file(log)), *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder or log.parent,
            env={**os.environ, **(environment or {})},
            pass_fds=() if lock is None else (lock,),
        )
    process.returncode = 0  # suppresses the warning that the process outlives this object
    return Daemon.of(process.pid, port)


def _since_boot_s(stat: bytes) -> float:
    """When a process started, from the text of its /proc/PID/stat."""
    return int(stat.rpartition(b")")[2].split()[_START_FIELD]) / os.sysconf("SC_CLK_TCK")


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def find_orphan(log: Path) -> Daemon | None:
    """The process that was last spawned with this log, if it still runs; its port is unknown.

    A pid that was reused is recognised: that process has another start.
    """
    try:
        pid, _, stat = _pid_file(log).read_bytes().partition(b"\n")
        found = Daemon.of(int(pid))
        was_spawned = _since_boot_s(stat) == found.started if stat else _is_near(log, int(pid))
    except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
        return None
    return found if was_spawned and found.is_alive() else None


def _is_near(log: Path, pid: int) -> bool:
    """Whether a process was started just before its pid file was written, by the clock."""
    written = _pid_file(log).stat().st_mtime
    return -_SAME_START_S < written - psutil.Process(pid).create_time() < _SPAWN_MAX_S


def _pid_file(log: Path) -> Path:
    return log.with_suffix(".pid")


def wait_ready(
    daemon: Daemon,
    name: str,
    log: Path,
    timeout_s: float,
    is_ready: Callable[[int], bool] | None = None,
) -> None:
    """Waits until the server at the port is ready; else raises `ServerError` with its log's end.

    `is_ready` tells it from the port; without it, a server is ready as soon as it listens.
    """
    deadline = time.monotonic() + timeout_s
    while not (is_ready or answers)(daemon.port):
        if not daemon.is_alive() or time.monotonic() > deadline:
            what = "did not answer in time" if daemon.is_alive() else "ended at once"
            raise ServerError(f"{name} {what}:\n{_tail(log)}", f"Its log is {log}.")
        with contextlib.suppress(ChildProcessError):
            os.waitpid(daemon.pid, os.WNOHANG)
        time.sleep(_POLL_S)


def _tail(log: Path) -> str:
    return last_lines(log.read_text(errors="replace"))


def last_lines(text: str) -> str:
    """The end of what a program has said, without the places of its errors in Java's code.

    >>> last_lines("ERROR no room\\n\\tat kafka.Kafka.main(Kafka.scala)\\n\\t... 12 more")
    'ERROR no room'
    """
    lines = [each for each in text.splitlines() if not _JAVA_PLACE.match(each)]
    return "\n".join(lines[-_LINES_SHOWN:])


def answers(port: int) -> bool:
    """Whether something listens on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0


def free_port(wanted: int = 0, *, besides: int = 0) -> int:
    """`wanted` if it is free, otherwise a free loopback port that this process never gave before.

    It is not one of those that the kernel gives to outgoing connections: a client could take
    such a port between its choice and the start of the server. `besides` is never returned.
    """
    for port in (wanted, *_CHANCE.sample(_PORTS, _ATTEMPTS)):
        if port not in {0, besides} and (port == wanted or port not in _given) and _is_free(port):
            _given.add(port)
            return port
    raise ServerError("No loopback port is free.", "Close something that listens.")


def _is_free(port: int) -> bool:
    """Whether a server could listen on a loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
