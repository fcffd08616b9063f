"""Homes, folders and locales of other people's machines."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.embedded_servers import EmbeddedServers
from streams.workers.supervisor import Supervisor
from tests.conftest import KAFKA_LIBS
from tests.support.station import REPOSITORY, wait_until
from topics.errors import ServerError

NAME = "Mü sic, 曲 = 'a' #1; " + "long" * 20


@pytest.mark.timeout(300)
def test_servers_keep_all_their_data_in_a_home_of_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    home = tmp_path / NAME
    servers = EmbeddedServers(home, kafka_libs=KAFKA_LIBS, want=("kafka", "redis"), fast_start=True)
    try:
        first = servers.up()
        servers.down()
        assert servers.up() == first
    finally:
        servers.down()
    assert (home / "kafka" / "data" / "meta.properties").exists()
    assert list((home / "redis").iterdir())
    assert [each.name for each in tmp_path.iterdir()] == [NAME]


def test_a_folder_that_java_cannot_be_told_of_is_named_before_kafka_starts(tmp_path: Path) -> None:
    libs = tmp_path / "a:b" / "libs"
    libs.mkdir(parents=True)
    servers = EmbeddedServers(tmp_path / "home", kafka_libs=libs, want=("kafka",))
    with pytest.raises(ServerError, match="must not have a ':'"):
        servers.up()


def test_modules_of_the_current_folder_are_not_taken_for_those_of_echotune(tmp_path: Path) -> None:
    for name in ("topics", "streams", "infra", "typer"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(42)")
    program = (
        "import sys; from pathlib import Path; from tests.integration import "
        "test_foreign_surroundings as it; it.runs_a_child(Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, str(tmp_path / "home")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def runs_a_child(home: Path) -> None:
    """Starts a command as `echotune run` does, and asserts that it succeeds."""
    with Supervisor(home, print) as supervisor:
        supervisor.start("models", "models", is_lasting=False)
        code = wait_until(lambda: supervisor.exit_code("models"), lambda code: code is not None)
        assert code == 0, supervisor.last_lines("models", 20)
