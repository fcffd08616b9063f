"""A backup brings back people, their tokens and their relays, and changes none that is there."""

import json
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import KAFKA_LIBS
from tests.support.served_station import ServedStation

SECRET = "the-token-of-another-service"


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedStation]:
    with closing(ServedStation(tmp_path_factory.mktemp("one") / "home", KAFKA_LIBS)) as station:
        station.up()
        yield station


@pytest.fixture(scope="module")
def token(one: ServedStation) -> str:
    """The token of a person who has a relay."""
    return one.person("ann", "--public-reads").token


@pytest.fixture(scope="module")
def folder(one: ServedStation, token: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backup")
    (path / "secret").write_text(SECRET)
    given = ["--to", "https://api.example.org", "--token-file", str(path / "secret")]
    assert one.run("relays", "add", "ann", *given).returncode == 0
    done = one.json("backup", str(path / "of one"))
    assert (done["accounts"]["people"], done["accounts"]["relays"]) == (1, 1)
    return path / "of one"


@pytest.fixture
def other(tmp_path: Path) -> Iterator[ServedStation]:
    with closing(ServedStation(tmp_path / "other", KAFKA_LIBS)) as station:
        station.up()
        yield station


def accounts(station: ServedStation) -> list[Any]:
    return [listed(station, name) for name in ("people", "tokens", "relays")]


def listed(station: ServedStation, name: str) -> list[Any]:
    return list(json.loads(station.run(name, "list", "--json").stdout))


def test_a_restored_installation_has_the_same_people_tokens_and_relays(
    one: ServedStation, other: ServedStation, folder: Path
) -> None:
    done = other.json("restore", str(folder))
    assert (done["accounts"]["added"], done["accounts"]["kept"]) == (3, 0)
    assert accounts(other) == accounts(one)
    assert [each["name"] for each in accounts(other)[0]] == ["ann"]
    again = other.json("restore", str(folder))
    assert (again["accounts"]["added"], again["accounts"]["kept"]) == (0, 0)
    other.run("people", "set", "ann", "--no-public-reads")
    assert other.json("restore", str(folder))["accounts"]["kept"] == 1
    assert not listed(other, "people")[0]["public_reads"]


def test_the_file_is_its_owners_alone_and_has_no_token_of_a_person(
    folder: Path, token: str
) -> None:
    file = folder / "accounts.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert token not in file.read_text()
    assert SECRET in file.read_text()


def test_without_accounts_the_log_alone_is_copied(one: ServedStation, tmp_path: Path) -> None:
    assert one.json("backup", str(tmp_path / "bare"), "--no-accounts")["accounts"] is None
    assert not (tmp_path / "bare" / "accounts.json").exists()


def test_while_mongodb_is_away_the_log_is_copied_all_the_same(
    one: ServedStation, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "backup"
    assert one.run("backup", str(path)).returncode == 0
    before = (path / "accounts.json").read_bytes()
    done = one.run("backup", str(path), "--json", ECHOTUNE_MONGO="mongodb://127.0.0.1:1")
    assert (done.returncode, json.loads(done.stdout)["accounts"]) == (1, None)
    assert "people are those of the backup before" in done.stderr
    assert (path / "accounts.json").read_bytes() == before


def test_damaged_accounts_are_said_before_anything_is_restored(
    one: ServedStation, other: ServedStation, tmp_path: Path
) -> None:
    assert one.run("backup", str(tmp_path / "copy")).returncode == 0
    file = tmp_path / "copy" / "accounts.json"
    file.write_text(file.read_text().replace("ann", "eve"))
    done = other.run("restore", str(tmp_path / "copy"))
    assert "is not the file that was backed up" in done.stderr
    assert "Traceback" not in done.stderr
    assert listed(other, "people") == []
