"""The command line as a person and a script meet it."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer

from infra.home import claim
from streams.cli import commands as all_commands
from tests.conftest import KAFKA_LIBS
from tests.support.events import a_stream, an_event, now_ms
from tests.support.station import WAIT_S, Station, wait_until
from topics.listening_event import LATEST_AHEAD_MS

EXIT_NO, EXIT_ERROR, EXIT_INTERRUPTED = 1, 3, 130
AHEAD_MS = 3_000


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """One EchoTune for all tests here."""
    with closing(Station(tmp_path_factory.mktemp("commands"), KAFKA_LIBS)) as station:
        station.up()
        station.start("sequencer")
        station.start("recommender")
        station.produce(a_stream(300, listeners=5))
        station.wait_applied(300)
        yield station


def _root() -> Any:
    app = typer.Typer()
    all_commands.register(app)
    return typer.main.get_command(app)


def commands() -> list[str]:
    """Every command, as it is typed."""
    root = _root()
    found = []
    for name, command in root.commands.items():
        inner = getattr(command, "commands", None)
        found += [f"{name} {each}" for each in inner] if inner else [name]
    return found


def help_of(command: str) -> str:
    found = _root()
    for name in command.split():
        found = found.commands[name]
    return f"{found.help} {found.epilog}"


@pytest.mark.parametrize("command", commands())
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    assert f"echotune {command}" in help_of(command).replace("Example: ", "")


def test_exit_codes_are_told_by_help(station: Station) -> None:
    told = station.run("--help").stdout
    assert all(f"{code} " in told for code in (0, EXIT_NO, 2, EXIT_ERROR, 130))
    assert "Exit codes" in told


def test_what_followed_a_sent_event_before_is_in_the_list_when_it_is_sent_again(
    station: Station,
) -> None:
    who = ("send", "--listener", "zoë", "--artist", "Nina Simone")
    titles = ["Sinnerman", "Feeling Good", "Sinnerman"]
    _, followed, _ = (station.json(*who, "--title", title) for title in titles)
    found = wait_until(
        lambda: station.json("recommend", "zoë", "-k", "50"),
        lambda it: followed["track_id"] in {item["track_id"] for item in it["items"]},
    )
    assert (found["listener"], found["fallback"]) == ("zoë", False)


@pytest.mark.parametrize("url", ["nonsense", "redis://me:secret@host:99999/0"])
def test_a_wrong_address_of_redis_is_said_without_its_password(station: Station, url: str) -> None:
    done = station.run("recommend", "ann", ECHOTUNE_REDIS=url)
    assert done.returncode == EXIT_ERROR
    assert "ECHOTUNE_REDIS" in done.stderr
    assert "secret" not in done.stderr


def test_lag_is_unknown_where_nobody_can_be_asked(station: Station) -> None:
    status = station.json("status", ECHOTUNE_REDIS="redis://me:secret@127.0.0.1:1/0")
    assert status["lag"] == {"events": None, "log_records": None}
    assert status["addresses"]["redis"] == "redis://me:***@127.0.0.1:1/0"


@pytest.mark.parametrize(
    "wrong",
    [
        ("--artist", ""),
        ("--title", None),
        ("--artist", "\udcff"),
        ("--listener", " "),
        ("--kind", "UNKNOWN"),
        ("--listened-at", "1"),
    ],
)
def test_what_the_sequencer_would_reject_is_not_sent(
    station: Station, wrong: tuple[str, str | None]
) -> None:
    told = {"--listener": "ann", "--artist": "Nina", "--title": "Sinnerman"} | dict([wrong])
    given = [part for pair in told.items() for part in pair if pair[1] is not None]
    done = station.run("send", *given)
    assert done.returncode == EXIT_ERROR
    assert done.stderr.startswith("error: This is no")


def test_whoever_watches_gets_a_line_of_json_for_every_change(station: Station) -> None:
    with station.begin("watch", "watched", "--json") as watching:
        assert watching.stdout is not None
        assert json.loads(watching.stdout.readline())["fallback"]
        station.json("send", "--listener", "watched", "--artist", "Nina", "--title", "Sinnerman")
        lines = (json.loads(each) for each in watching.stdout)
        assert next(each for each in lines if not each["fallback"])["listener"] == "watched"
        watching.send_signal(signal.SIGINT)
        assert watching.wait(WAIT_S) == EXIT_INTERRUPTED


def test_a_listener_is_erased_without_naming_a_track(station: Station) -> None:
    station.json("send", "--listener", "gone", "--artist", "Nina Simone", "--title", "Sinnerman")
    wait_until(lambda: station.json("recommend", "gone")["fallback"], lambda other: not other)
    assert station.json("send", "--listener", "gone", "--kind", "ERASE")["track_id"] is None
    wait_until(lambda: station.json("recommend", "gone")["fallback"], bool)


def test_an_unknown_listener_gets_everyones_list_and_is_told_so(station: Station) -> None:
    assert station.json("recommend", "nobody we know")["fallback"]
    assert "everyone's list" in station.run("recommend", "nobody we know").stdout


def test_a_poisoned_record_can_be_listed_and_looked_at(station: Station) -> None:
    station.produce_raw(b"not avro at all", key=b"ann")
    listed = wait_until(
        lambda: station.run("deadletters", "list", "--json").stdout, lambda out: "bad_magic" in out
    )
    origin = next(part for part in listed.split('"') if part.startswith("listening-events/"))
    shown = station.json("deadletters", "show", origin)
    assert bytes.fromhex(shown["hex"]) == b"not avro at all"
    nothing = station.run("deadletters", "show", "listening-events/0/999999")
    assert nothing.returncode == EXIT_ERROR
    assert "deadletters list" in nothing.stderr


def test_a_dead_letter_is_sent_again_once_it_is_good_and_never_twice(station: Station) -> None:
    soon = now_ms() + LATEST_AHEAD_MS + AHEAD_MS  # too far ahead when it comes, and soon no more
    station.produce([an_event(listener_id="early", track_id="early-1", listened_at=soon)])
    replay = ("deadletters", "replay", "--reason", "time_out_of_range")
    wait_until(
        lambda: station.json(*replay, "--dry-run")["fates"], lambda fates: fates == {"sent": 1}
    )
    assert station.json(*replay, "--yes")["fates"] == {"sent": 1}
    assert station.json(*replay, "--yes")["fates"] == {"sent_before": 1}
    found = wait_until(
        lambda: station.json("recommend", "early", "-k", "50"), lambda it: not it["fallback"]
    )
    assert found["listener"] == "early"
    assert station.json("verify", "--deep")["kept"]


def test_the_status_has_its_documented_keys(station: Station) -> None:
    status = station.status()
    assert {"addresses", "applied", "lists", "lag", "freshness_ms", "digest", "digest_offset"} <= {
        *status
    }
    assert status["addresses"]["kafka"] == station.addresses.kafka
    assert status["problems"] == []


def test_topics_are_as_the_catalogue_says_and_a_check_says_so(station: Station) -> None:
    assert station.run("topics", "check").returncode == 0
    assert station.run("topics", "apply", "--check").returncode == 0


def test_verify_with_another_model_than_the_live_one_says_no(station: Station) -> None:
    wait_until(lambda: station.verify()["equal"], bool)
    other = station.run("verify", "--json", ECHOTUNE_MODEL="popularity")
    assert other.returncode == EXIT_NO
    assert '"equal": false' in other.stdout


def test_history_is_evaluated_without_any_server(station: Station, tmp_path: Path) -> None:
    path = tmp_path / "plays.csv"
    rows = [f"me,{'abc'[at % 3]},{1_600_000_000 + at * 300}" for at in range(60)]
    path.write_text("\n".join(["listener,track,listened_at", *rows]))
    found = station.json("evaluate", str(path))
    assert found["applied"] == 60
    assert found["scored"] == 55
    assert found["hr@20"] > 0.9


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ECHOTUNE_PARTITIONS", "none"),
        ("ECHOTUNE_MODEL", "oracle"),
        ("ECHOTUNE_GATHER_MS", "-1"),
        ("ECHOTUNE_SHARD", "5"),
    ],
)
def test_a_wrong_setting_is_named_in_a_line(station: Station, name: str, value: str) -> None:
    done = station.run("verify", **{name: value})
    assert done.returncode == EXIT_ERROR
    assert name in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["run", "up", "down", "reset --yes", "simulate --events 1"])
def test_a_home_that_cannot_be_written_is_said(
    station: Station, tmp_path: Path, command: str
) -> None:
    (tmp_path / "file").write_text("no folder")
    servers = {
        "ECHOTUNE_KAFKA": station.addresses.kafka,
        "ECHOTUNE_REDIS": station.addresses.redis,
        "ECHOTUNE_HOME": str(tmp_path / "file"),
    }
    done = station.run(*command.split(), **servers)
    assert done.returncode == EXIT_ERROR
    assert "error: The home folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_reset_asks_first_and_then_deletes_only_its_own(tmp_path: Path, station: Station) -> None:
    home = {"ECHOTUNE_HOME": str(tmp_path)}
    claim(tmp_path)
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "letters").mkdir()
    asked: subprocess.CompletedProcess[str] = station.run("reset", "--snapshots", **home)
    assert asked.returncode == EXIT_NO
    assert (tmp_path / "snapshots").exists()
    assert station.run("reset", "--yes", **home).returncode == 0
    assert not (tmp_path / "snapshots").exists()
    assert (tmp_path / "letters").exists()
