"""EchoTune installed from its wheel works far from its source."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import KAFKA_LIBS
from tests.support.station import REPOSITORY

TIMEOUT_S = 120.0


class Installed:
    """A virtual environment with the wheel in it, and an empty folder to be in."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "venv" / "bin"
        self.empty = folder / "empty"
        self.empty.mkdir()

    def run(self, program: str, *arguments: str) -> str:
        """What a program of the environment prints; it must end well."""
        scripts = [str(self.bin), sysconfig.get_path("scripts"), os.environ["PATH"]]
        done = subprocess.run(
            [self.bin / program, *arguments],
            cwd=self.empty,
            env={"PATH": os.pathsep.join(scripts), "ECHOTUNE_KAFKA_LIBS": str(KAFKA_LIBS)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def run_here(*arguments: str | Path) -> None:
    """Runs a module of this Python; it must end well."""
    command = [sys.executable, "-m", *map(str, arguments)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """The wheel of this tree, beside the packages that are installed already."""
    folder = tmp_path_factory.mktemp("wheel")
    run_here("build", "--wheel", "--no-isolation", "--outdir", folder / "dist", REPOSITORY)
    [wheel] = (folder / "dist").glob("*.whl")
    run_here("venv", "--without-pip", folder / "venv")
    [packages] = (folder / "venv" / "lib").glob("python*/site-packages")
    (packages / "beside.pth").write_text(sysconfig.get_path("purelib"))
    python = folder / "venv" / "bin" / "python"
    run_here("pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    installed = Installed(folder)
    yield installed
    installed.run("echotune", "down")


def test_the_wheel_holds_code_and_contracts_of_its_own(installed: Installed) -> None:
    told = installed.run("python", "-c", "import streams, topics; print(streams, topics)")
    assert told.count(str(installed.bin.parent)) == 2
    assert str(REPOSITORY) not in told


def test_servers_start_from_an_empty_folder_with_the_topics_of_the_catalogue(
    installed: Installed,
) -> None:
    addresses = installed.run("echotune", "up", "--json")
    assert '"kafka": "127.0.0.1:' in addresses
    assert "no difference" in installed.run("echotune", "topics", "check")
    installed.run("echotune", "down")
    assert [path.name for path in installed.empty.iterdir()] == [".echotune"]
