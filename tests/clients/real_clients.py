"""Real players and scrobblers against a running EchoTune (`make test-clients DRIVERS=folder`).

A driver is an executable that is called with the address of the service and a token. It makes one
client play something, and asks the service whether that arrived. It ends with 0 if all of its
checks hold, with 3 if its client is not installed, and otherwise with anything else. An executable
called `install` installs the clients and is no driver; neither is `all`.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import KAFKA_LIBS
from tests.support.served_station import ServedStation

DRIVERS = Path(os.environ["ECHOTUNE_CLIENT_DRIVERS"]).resolve()
NO_DRIVERS = ("all", "install")
NOT_INSTALLED = 3
DRIVEN_WITHIN_S = 300


def drivers() -> list[str]:
    """The names of all drivers in the folder."""
    return sorted(
        path.name
        for path in DRIVERS.iterdir()
        if path.is_file() and os.access(path, os.X_OK) and path.name not in NO_DRIVERS
    )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedStation]:
    """One EchoTune for all drivers."""
    home = tmp_path_factory.mktemp("clients") / "home"
    with closing(ServedStation(home, KAFKA_LIBS)) as station:
        station.up()
        station.start("sequencer")
        station.start("recommender")
        station.serve()
        yield station


def test_there_are_drivers() -> None:
    assert drivers(), f"{DRIVERS} has no executable file: DRIVERS=folder names another"


@pytest.mark.parametrize("name", drivers())
def test_what_the_client_plays_arrives_once(served: ServedStation, name: str) -> None:
    person = served.person(f"listens-with-{name}", "--public-reads")
    driven = subprocess.run(
        [DRIVERS / name, served.url, person.token],
        env={**os.environ, "NEAR": "1"},
        timeout=DRIVEN_WITHIN_S,
        capture_output=True,
        text=True,
        check=False,
    )
    said = driven.stdout + driven.stderr
    if driven.returncode == NOT_INSTALLED:
        pytest.skip(said.strip().rpartition("\n")[2])
    assert driven.returncode == 0, said
