"""Servers are known by their start since boot, whatever the clock does."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from infra.daemon import Daemon, find_orphan, spawn, wait_ready
from tests.support.station import wait_until
from topics.errors import ServerError

STEP_S = 3.0


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "server.log"


@pytest.fixture
def server(log: Path) -> Iterator[Daemon]:
    """A daemon that does nothing, and has written its pid file."""
    daemon = spawn(["sleep", "600"], port=1, log=log)
    wait_until(lambda: psutil.Process(daemon.pid).name(), lambda name: name == "sleep")
    yield daemon
    daemon.stop(5.0)


@pytest.fixture
def clock_steps(server: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock steps: by it, every process was started at another time."""
    was = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: was(self) + STEP_S)


@pytest.mark.usefixtures("clock_steps")
def test_a_step_of_the_clock_does_not_hide_a_running_server(server: Daemon, log: Path) -> None:
    assert Daemon(**server.as_json()).is_alive()
    assert find_orphan(log) == replace(server, port=0)


def test_a_later_process_of_the_same_pid_is_another_one(server: Daemon, log: Path) -> None:
    assert not replace(server, started=server.started - 0.01).is_alive()
    assert not replace(server, boot="another").is_alive()
    pid_file = log.with_suffix(".pid")
    pid_file.write_text(pid_file.read_text().replace(")", ") 1"))  # moves every later field
    assert find_orphan(log) is None


def test_a_server_that_an_older_version_stored_by_its_unix_time_is_found(server: Daemon) -> None:
    started = psutil.Process(server.pid).create_time()
    assert Daemon(server.pid, started, server.port).is_alive()
    assert not Daemon(server.pid, started - STEP_S, server.port).is_alive()


def test_an_ended_server_is_not_alive(server: Daemon, log: Path) -> None:
    server.stop(5.0)
    assert not server.is_alive()
    assert find_orphan(log) is None


def test_a_server_that_does_not_start_is_explained_by_its_error_not_by_places_in_its_code(
    tmp_path: Path,
) -> None:
    log = tmp_path / "kafka.log"
    places = "".join(f"\tat kafka.Kafka$.main(Kafka.scala:{line})\n" for line in range(20))
    log.write_text(f"ERROR the disk is full\n{places}Caused by: no room\n\t... 12 more\n")
    ended = Daemon(pid=2**22 + 1, started=0.0, port=1, boot="another")
    with pytest.raises(ServerError) as explained:
        wait_ready(ended, "Kafka", log, 5.0)
    assert explained.value.message == (
        "Kafka ended at once:\nERROR the disk is full\nCaused by: no room"
    )
