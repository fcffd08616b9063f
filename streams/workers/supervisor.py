"""Supervises the processes of one machine: starts, restarts and stops them together.

The running processes are stored in the home folder, so that the next run can end the processes that
a killed run has left behind.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil

from infra.daemon import Daemon
from infra.home import claim, stored_json, writing_in
from streams.workers.backoff import Backoff
from streams.workers.stopping import EXIT_TIMEOUT_S
from topics.errors import ServerError

KILL_AFTER_S = EXIT_TIMEOUT_S + 0.5
"""Later than a worker ends by itself, so that only what hangs is killed."""
_POLL_S = 0.05
_TAIL_BYTES = 65_536
"""Maximum number of bytes that are read of a log to find its last lines."""
_PROCESSES_FILE = "processes.json"

Say = Callable[[str], object]


@dataclass
class _Child:
    """A supervised process."""

    name: str
    command: Sequence[str]
    log: Path
    is_lasting: bool
    process: "subprocess.Popen[bytes]"
    backoff: Backoff
    log_bytes_before: int = 0
    """Size of the log file before this run."""
    environment: Mapping[str, str] = field(default_factory=dict)
    kill_at: float | None = None
    """When the process is killed, because it is no longer wanted; None while it is."""


class Supervisor:
    """The processes of one home folder; a context manager that stops all of them at its end."""

    def __init__(self, home: Path, say: Say, clock: Callable[[], float] = time.monotonic) -> None:
        self._home = home
        self._say = say
        self._clock = clock
        self._children: dict[str, _Child] = {}
        self._held = ExitStack()

    def __enter__(self) -> Self:
        self._held.enter_context(run_lock(self._home))
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._held.close()

    # -- starting ------------------------------------------------------------------------------

    @property
    def names(self) -> list[str]:
        """Names of all processes, including those that are just ending."""
        return list(self._children)

    def start(
        self,
        name: str,
        *arguments: str,
        is_lasting: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Starts `echotune ARGUMENTS`; a lasting process is restarted whenever it ends.

        `environment` are its variables, by default those of this process.
        """
        command = [sys.executable, "-P", "-m", "streams.cli", *arguments]
        log = self._home / "logs" / f"{name}.log"
        with writing_in(self._home):
            log.parent.mkdir(parents=True, exist_ok=True)
            before = log.stat().st_size if log.exists() else 0
            variables = os.environ if environment is None else environment
            process = _spawned(command, log, variables)
            self._children[name] = _Child(
                name,
                command,
                log,
                is_lasting,
                process,
                Backoff(self._clock()),
                log_bytes_before=before,
                environment=variables,
            )
            self._store_processes()

    def end(self, name: str) -> None:
        """Terminates one process for good; `restart_ended` kills it if it does not end in time."""
        child = self._children[name]
        if child.kill_at is None:
            child.kill_at = self._clock() + KILL_AFTER_S
            child.process.send_signal(signal.SIGTERM)

    def restart_ended(self) -> None:
        """Restarts ended processes, with exponential backoff; call it regularly."""
        for child in list(self._children.values()):
            is_ended = child.process.poll() is not None
            if child.kill_at is not None:
                self._let_end(child, is_ended=is_ended)
            elif child.is_lasting and is_ended:
                self._restart_when_due(child)

    def _let_end(self, child: _Child, *, is_ended: bool) -> None:
        if is_ended:
            del self._children[child.name]
            self._store_processes()
        elif self._clock() >= (child.kill_at or 0.0):
            child.process.kill()

    def _restart_when_due(self, child: _Child) -> None:
        now = self._clock()
        if child.backoff.is_news(now):
            self._say(f"{child.name} ended ({child.process.returncode}); see {child.log}")
        elif child.backoff.is_over(now):
            child.process = _spawned(child.command, child.log, child.environment)
            child.backoff.note_start(now)
            self._say(f"{child.name} started again")
            self._store_processes()

    def exit_code(self, name: str) -> int | None:
        """The exit code of a process; None while it runs."""
        return self._children[name].process.poll()

    def last_lines(self, name: str, count: int = 1) -> list[str]:
        """The last lines that a process has logged in this run, oldest first."""
        child = self._children[name]
        begin = max(child.log_bytes_before, child.log.stat().st_size - _TAIL_BYTES)
        with child.log.open("rb") as log:
            log.seek(begin)
            lines = log.read().decode(errors="replace").splitlines()
        return [line.strip() for line in lines if line.strip()][-count:]

    # -- stopping ------------------------------------------------------------------------------

    def stop(self) -> None:
        """Terminates all processes; kills those that still run after `KILL_AFTER_S`."""
        running = [c.process for c in self._children.values() if c.process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + KILL_AFTER_S
        while any(p.poll() is None for p in running) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        for process in running:
            if process.poll() is None:
                process.kill()
                process.wait()
        self._children.clear()
        (self._home / _PROCESSES_FILE).unlink(missing_ok=True)

    def _store_processes(self) -> None:
        found = [_daemon(child.process) for child in self._children.values()]
        part = self._home / f"{_PROCESSES_FILE}.part"
        part.write_text(json.dumps([each.as_json() for each in found if each is not None]))
        part.replace(self._home / _PROCESSES_FILE)


@contextmanager
def run_lock(home: Path) -> Iterator[None]:
    """Holds the lock of `home`, and ends the processes that a killed run has left running.

    Raises `ServerError` if another run holds the lock, or if the folder is not EchoTune's.
    """
    claim(home)
    with writing_in(home):
        held = (home / "run.lock").open("w")
    with held as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServerError(
                f"EchoTune already runs in {home}.",
                "Stop it with Ctrl-C, or set ECHOTUNE_HOME to another folder.",
            ) from error
        stop_orphans(home)
        yield


def stop_orphans(home: Path) -> None:
    """Ends the processes that a killed run has left running (orphans)."""
    path = home / _PROCESSES_FILE
    for fields in stored_json(path) or []:
        Daemon(**fields).stop(KILL_AFTER_S)
    path.unlink(missing_ok=True)


def _spawned(
    command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """Starts a process in its own session: Ctrl-C does not reach it, the supervisor ends it."""
    with log.open("ab") as out:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**environment, "PYTHONPATH": os.pathsep.join(_import_path())},
        )


def _import_path() -> list[str]:
    """Where a child finds this very package, and not one of its name in the current folder (-P)."""
    own = str(Path(__file__).parents[2])
    return [own, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]


def _daemon(process: "subprocess.Popen[bytes]") -> Daemon | None:
    try:
        return Daemon.of(process.pid)
    except psutil.NoSuchProcess:
        return None
