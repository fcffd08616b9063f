"""`echotune people` and `echotune tokens`, as a person and a script meet them."""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from infra.daemon import LOOPBACK, free_port
from infra.embedded_servers import EmbeddedServers
from streams.people.people import is_token
from tests.support.cli_here import run_here

EXIT_ERROR = 3


class Home:
    """An installation: Redis and MongoDB under a folder, and commands that run here."""

    def __init__(self, folder: Path, prefix: str = "") -> None:
        self.folder = folder
        self.prefix = prefix
        self.servers = EmbeddedServers(folder, want=("redis", "mongo"), fast_start=True)

    def run(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command to its end, for an installation of this home."""
        plain = {key: value for key, value in os.environ.items() if "ECHOTUNE" not in key}
        own = {"ECHOTUNE_HOME": str(self.folder), "ECHOTUNE_PREFIX": self.prefix}
        return run_here(arguments, plain | own | environment)

    def json(self, *arguments: str, **environment: str) -> Any:
        """What a command prints with --json."""
        ended = self.run(*arguments, "--json", **environment)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    def close(self) -> None:
        """Stops the servers."""
        self.servers.down()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """One for all tests here, which have a prefix each."""
    with closing(Home(tmp_path_factory.mktemp("people"))) as home:
        if not home.servers.up().mongo:
            pytest.skip("the MongoDB stand-in has no wheel for this Python")
        yield home


@pytest.fixture
def home(running: Home) -> Home:
    """An installation without people."""
    return Home(running.folder, f"t{uuid.uuid4().hex[:8]}.")


def check_explained(ended: "subprocess.CompletedProcess[str]", *says: str) -> None:
    """An error in a line, a remedy in another, and nothing on stdout."""
    assert ended.returncode == EXIT_ERROR, ended
    assert ended.stdout == ""
    assert ended.stderr.startswith("error: ")
    assert ended.stderr.count("\n  ") == 1
    for each in says:
        assert each in ended.stderr


def test_a_script_adds_a_person_and_gets_a_token_for_them(home: Home) -> None:
    assert home.run("people", "add", "ann", "--public-reads").returncode == 0
    created = home.json("tokens", "create", "ann", "--name", "phone")
    assert is_token(created["token"])
    assert (created["person"], created["label"]) == ("ann", "phone")
    [person] = home.json("people", "list")
    assert (person["name"], person["public_reads"], person["admin"]) == ("ann", True, False)


def test_a_token_is_all_that_stands_on_stdout_and_is_never_shown_again(home: Home) -> None:
    home.run("people", "add", "ann")
    created = home.run("tokens", "create", "ann")
    token = created.stdout.removesuffix("\n")
    assert is_token(token)
    [listed] = home.json("tokens", "list", "ann")
    assert listed["id"] in created.stderr
    assert set(listed) == {"id", "person", "label", "created_at", "last_used_at", "expires_at"}
    for arguments in (["tokens", "list"], ["tokens", "list", "--json"], ["people", "list"]):
        assert token not in home.run(*arguments).stdout


def test_what_a_person_may_is_changed(home: Home) -> None:
    home.run("people", "add", "ann", "--public-reads")
    assert home.json("people", "set", "ann", "--admin")["public_reads"]
    changed = home.run("people", "set", "ann", "--no-public-reads", "--no-admin")
    assert changed.stderr == "ann: no admin, reads need a token\n"
    [person] = home.json("people", "list")
    assert (person["public_reads"], person["admin"]) == (False, False)


def test_to_remove_a_person_says_that_plays_remain_and_what_erases_them(home: Home) -> None:
    home.run("people", "add", "ann lee")
    home.run("tokens", "create", "ann lee")
    removed = home.run("people", "remove", "ann lee")
    assert "tokens revoked: 1" in removed.stderr
    assert "`echotune send --kind ERASE --listener 'ann lee'`" in removed.stderr
    assert home.json("people", "list") == home.json("tokens", "list") == []
    home.run("people", "add", "ann lee")
    assert home.json("people", "remove", "ann lee") == {"name": "ann lee", "tokens_revoked": 0}


def test_a_token_is_rotated_with_a_grace_time_and_revoked(home: Home) -> None:
    home.run("people", "add", "ann")
    old = home.json("tokens", "create", "ann", "--name", "phone")
    new = home.json("tokens", "rotate", old["id"], "--grace", "10m")
    assert is_token(new["token"])
    assert new["token"] != old["token"]
    assert (new["label"], new["expires_at"]) == ("phone", None)
    ends = {each["id"]: each["expires_at"] is not None for each in home.json("tokens", "list")}
    assert ends == {old["id"]: True, new["id"]: False}
    assert home.json("tokens", "revoke", old["id"])["id"] == old["id"]
    assert "was revoked" in home.run("tokens", "revoke", new["id"]).stderr
    assert home.json("tokens", "list") == []


def test_mistakes_are_explained(home: Home) -> None:
    home.run("people", "add", "ann")
    check_explained(home.run("people", "add", "ann"), "person ann already", "people set ann")
    check_explained(home.run("people", "add", "a/b"), "part of a URL")
    check_explained(home.run("people", "add", "*everyone*"), "all listeners")
    check_explained(home.run("people", "set", "ann"), "Nothing would change")
    for arguments in (
        ("people", "set", "bob", "--admin"),
        ("people", "remove", "bob"),
        ("tokens", "create", "bob"),
        ("tokens", "list", "bob"),
    ):
        check_explained(home.run(*arguments), "There is no person bob", "echotune people list")
    for arguments in (("tokens", "revoke", "x"), ("tokens", "rotate", "x")):
        check_explained(home.run(*arguments), "no token with the id x", "echotune tokens list")
    token = home.json("tokens", "create", "ann")["id"]
    check_explained(home.run("tokens", "rotate", token, "--grace", "soon"), "no duration")
    check_explained(home.run("tokens", "rotate", token, "--grace", "99999h"), "30 days")


def test_a_terminal_shows_names_and_labels_as_they_are(home: Home) -> None:
    home.run("people", "add", "[bold]ann")
    home.run("tokens", "create", "[bold]ann", "--name", "[red]")
    assert "[bold]ann" in home.run("people", "list").stdout
    assert "[red]" in home.run("tokens", "list").stdout


def test_installations_with_other_prefixes_do_not_share_people(home: Home) -> None:
    home.run("people", "add", "ann")
    assert home.json("people", "list", ECHOTUNE_PREFIX="other.") == []


def test_a_change_is_made_without_redis_and_it_says_who_learns_later(home: Home) -> None:
    nobody = f"redis://{LOOPBACK}:{free_port()}/0"
    added = home.run("people", "add", "ann", ECHOTUNE_REDIS=nobody)
    assert added.returncode == 0
    assert "a second later" in added.stderr
    assert [each["name"] for each in home.json("people", "list")] == ["ann"]


def test_a_wrong_address_of_redis_is_found_before_anything_changes(home: Home) -> None:
    check_explained(home.run("people", "add", "ann", ECHOTUNE_REDIS="redis://x/?y=1"), "Redis")
    assert home.json("people", "list") == []


def test_mongodb_that_is_away_is_explained(home: Home) -> None:
    nobody = f"mongodb://{LOOPBACK}:{free_port()}"
    for arguments in (("people", "list"), ("people", "add", "ann"), ("tokens", "list")):
        ended = home.run(*arguments, ECHOTUNE_MONGO=nobody)
        check_explained(ended, "MongoDB does not answer", "echotune up")


def test_before_anything_was_started_it_says_what_to_start(tmp_path: Path) -> None:
    ended = Home(tmp_path / "new").run("people", "list")
    check_explained(ended, "No mongo server is known", "echotune up")
