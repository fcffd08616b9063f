"""Runs `echotune run` and other commands as a user does, and finds their processes."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import psutil

from streams.addresses import addresses_of
from streams.monitoring.status import system_status
from streams.settings import Settings
from tests.conftest import KAFKA_LIBS
from tests.support.station import FAST, REPOSITORY, WAIT_S, wait_until
from topics.errors import EchoTuneError


class Home:
    """A home folder and the commands that are run in it, with default settings."""

    def __init__(self, folder: Path, **environment: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.environment = {
            **os.environ,
            **FAST,
            "ECHOTUNE_KAFKA_LIBS": str(KAFKA_LIBS),
            "ECHOTUNE_HOME": str(folder),
            **environment,
        }
        self.begun: list[subprocess.Popen[bytes]] = []

    @property
    def output(self) -> Path:
        """The output of commands that were started with `begin`."""
        return self.folder / "said.txt"

    def begin(self, *arguments: str, out: int | None = None) -> "subprocess.Popen[bytes]":
        """Starts a command without waiting for it; its output goes to `out`, or to `output`."""
        with self.output.open("ab") as said:
            process = subprocess.Popen(
                self._command(*arguments),
                cwd=REPOSITORY,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=said if out is None else out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.begun.append(process)
        return process

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command to its end."""
        return subprocess.run(
            self._command(*arguments),
            cwd=REPOSITORY,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "streams.cli", *arguments]

    def processes(self) -> set[int]:
        """Ids of all processes of this home: servers, workers and commands."""
        return {process.pid for process in psutil.process_iter() if self._is_ours(process)}

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            home = process.environ().get("ECHOTUNE_HOME")
            is_here = Path(process.cwd()).is_relative_to(self.folder)  # Redis hides its environment
            return home == str(self.folder) or is_here
        except psutil.Error:
            return False

    def wait_applied(self, more_than: int = 0) -> int:
        """Waits until the model has more than `more_than` events; returns their number."""
        return wait_until(self.applied, lambda found: found > more_than)

    def applied(self) -> int:
        """Number of events in the model; 0 while it is unknown. Starts no process."""
        settings = Settings(home=self.folder)
        try:
            found = asyncio.run(system_status(settings, addresses_of(settings)))
        except EchoTuneError:  # the servers are just starting
            return 0
        return int(found["applied"] or 0)

    def addresses(self) -> dict[str, str]:
        """Addresses of its servers, by name."""
        return dict(json.loads((self.folder / "servers.json").read_text())["addresses"])

    def close(self) -> None:
        """Ends all processes of this home."""
        for pid in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()
        for process in self.begun:
            process.wait(WAIT_S)
