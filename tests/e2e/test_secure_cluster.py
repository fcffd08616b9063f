"""The whole product on a Kafka with SCRAM over TLS, where each role has the smallest rights."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import KAFKA_LIBS
from tests.support.secure_kafka import password_of
from tests.support.secure_station import SecureStation
from tests.support.station import wait_until

PLAYS = 400


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureStation]:
    """A secure station that has learnt an imported history."""
    folder = tmp_path_factory.mktemp("secure")
    with closing(SecureStation(folder / "home", KAFKA_LIBS)) as station:
        station.up()
        station.start("sequencer")
        station.start("recommender")
        done = station.run_as("importer", "import", str(a_history(folder / "plays.csv")))
        assert done.returncode == 0, done.stderr
        station.wait_applied(PLAYS)
        yield station


def a_history(path: Path) -> Path:
    """A CSV file of plays of four listeners."""
    lines = [
        f"listener-{at % 4},artist {at % 20},title {at % 80},{1_700_000_000 + at * 300}"
        for at in range(PLAYS)
    ]
    path.write_text("\n".join(["listener,artist,track,listened_at", *lines]) + "\n")
    return path


def test_every_promise_is_kept_with_the_smallest_rights(station: SecureStation) -> None:
    found = station.json("verify", "--deep")
    assert found["equal"], found
    assert all(each["broken"] == 0 for each in found["promises"]), found


def test_commands_that_read_work_with_the_smallest_rights(station: SecureStation) -> None:
    found = wait_until(
        lambda: station.json("recommend", "listener-1"), lambda each: bool(each.get("items"))
    )
    assert found["items"]
    assert station.run("status").returncode == 0
    doctor = station.run("doctor")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr


def test_the_authorizer_denies_nothing(station: SecureStation) -> None:
    station.run("doctor", "--json")
    assert station.kafka.denials() == set()


def test_no_secret_is_written_anywhere(station: SecureStation) -> None:
    written = [each.text() for each in station.workers]
    written += [station.run(name, "--json").stdout for name in ("status", "doctor")]
    for user in station.rights:
        assert not any(password_of(user) in each for each in written)
