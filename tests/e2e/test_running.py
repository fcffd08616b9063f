"""`echotune run` and the embedded servers: begun, interrupted, killed, refused, side by side."""

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from confluent_kafka import Consumer, TopicPartition

from streams.kafka.topic_facts import bounds_of
from tests.support.runs import Home
from tests.support.station import WAIT_S, wait_until
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder

PLAYS = 300
EXIT_ERROR, EXIT_INTERRUPTED = 3, 130

AHome = Callable[..., Home]


@pytest.fixture(scope="module")
def a_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AHome]:
    """Makes homes; what runs in them ends with the module."""
    homes: list[Home] = []

    def make(**environment: str) -> Home:
        homes.append(Home(tmp_path_factory.mktemp("home"), **environment))
        return homes[-1]

    yield make
    for home in homes:
        home.close()


@pytest.fixture(scope="module")
def home(a_home: AHome) -> Home:
    """One home for the tests that follow on each other, as the runs of a person do."""
    return a_home()


def a_history(folder: Path) -> str:
    """A CSV file of `PLAYS` plays."""
    rows = [f"me,artist {at % 9},title {at % 40},{1_600_000_000 + at * 200}" for at in range(PLAYS)]
    path = folder / "plays.csv"
    path.write_text("\n".join(["listener,artist,track,listened_at", *rows]))
    return str(path)


def event_ids(kafka: str) -> list[str]:
    """Of every record of `listening-events`, repetitions and all."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "nobody"})
    decoder, found = Decoder(LISTENING_EVENTS.contracts), []
    for partition, bounds in bounds_of(kafka, LISTENING_EVENTS.name, range(4)).items():
        consumer.assign([TopicPartition(LISTENING_EVENTS.name, partition, bounds.start)])
        records = consumer.consume(bounds.end - bounds.start, WAIT_S) if bounds.end else []
        decoded = [decoder.decode(record.value()) for record in records]
        found += [record["event_id"] for _, record in decoded]
    consumer.close()
    return found


def verified(home: Home) -> dict[str, Any]:
    """What `echotune verify` says."""
    return dict(json.loads(home.run("verify", "--json").stdout))


def test_ctrl_c_ends_a_run_with_all_its_processes_and_meanwhile_there_is_no_other(
    home: Home,
) -> None:
    first = home.begin("run", "--rate", "200")
    home.wait_applied()
    second = home.run("run")
    assert second.returncode == EXIT_ERROR
    assert f"already runs in {home.folder}" in second.stderr
    refused = home.run("reset", "--yes")
    assert (refused.returncode, (home.folder / "kafka").exists()) == (EXIT_ERROR, True)
    assert first.poll() is None

    first.send_signal(signal.SIGTERM)
    first.send_signal(signal.SIGINT)  # as from `make` and its terminal at once
    wait_until(home.output.read_text, lambda said: "stopping" in said)
    first.send_signal(signal.SIGINT)  # from somebody impatient
    assert first.wait(WAIT_S) == 0
    assert "Traceback" not in home.output.read_text()
    assert home.processes() == set()


def test_a_run_whose_terminal_is_gone_stops_all_the_same(home: Home) -> None:
    reader, writer = os.pipe()
    unheard = home.begin("run", out=writer)
    os.close(writer)
    with os.fdopen(reader) as said:
        assert sum("is up on port" in next(said) for _ in range(3)) == 3
    unheard.send_signal(signal.SIGHUP)
    unheard.wait(WAIT_S)
    assert home.processes() == set()


@pytest.mark.parametrize(
    "waits",
    [
        "send --listener ann --artist a --title b",
        "import HISTORY",
        "worker sequencer",
        "worker recommender",
        "worker keeper",
    ],
)
def test_ctrl_c_ends_what_waits_for_kafka(a_home: AHome, tmp_path: Path, waits: str) -> None:
    home = a_home(ECHOTUNE_KAFKA="127.0.0.1:1", ECHOTUNE_REDIS="redis://127.0.0.1:1/0")
    waiting = home.begin(*waits.replace("HISTORY", a_history(tmp_path)).split())
    wait_until(home.output.read_text, lambda said: "aiting" in said)
    waiting.send_signal(signal.SIGINT)
    assert waiting.wait(WAIT_S) == EXIT_INTERRUPTED
    assert "Traceback" not in home.output.read_text()


def test_after_a_killed_run_the_next_one_takes_over_and_counts_every_event_once(
    home: Home, tmp_path: Path
) -> None:
    killed = home.begin("run", "--rate", "200")
    home.wait_applied()
    killed.kill()
    killed.wait()
    assert home.processes(), "servers and workers outlive their run"

    following = home.run("run", a_history(tmp_path), "--exit-when-done")
    assert following.returncode == 0, following.stderr
    assert "is up on port" not in following.stderr, "the servers were there already"
    assert home.processes() == set()

    assert home.run("up").returncode == 0
    verdict, sent = verified(home), event_ids(home.addresses()["kafka"])
    assert verdict["equal"]
    assert verdict["events"] == len(set(sent)) > PLAYS


def test_two_homes_side_by_side_know_nothing_of_each_other(
    home: Home, a_home: AHome, tmp_path: Path
) -> None:
    assert home.run("up").returncode == 0
    sent = event_ids(home.addresses()["kafka"])
    other = a_home()
    done = other.run("run", a_history(tmp_path), "--exit-when-done")
    assert done.returncode == 0, done.stderr
    assert f"applied {PLAYS} " in done.stdout
    assert not set(home.addresses().values()) & set(other.addresses().values())
    assert event_ids(home.addresses()["kafka"]) == sent


def test_a_port_that_somebody_took_meanwhile_is_said_and_another_one_used(
    home: Home, a_home: AHome
) -> None:
    assert home.run("up").returncode == 0
    theirs = home.addresses()
    other = a_home(ECHOTUNE_KAFKA=theirs["kafka"], ECHOTUNE_MONGO=theirs["mongo"])
    assert other.run("up").returncode == 0
    assert other.run("down").returncode == 0
    before = other.addresses()["redis"]
    with socket.create_server(("127.0.0.1", urlsplit(before).port or 0)):
        again = other.run("up", "--json")
    assert "is taken" in again.stderr
    assert json.loads(again.stdout)["addresses"]["redis"] == other.addresses()["redis"] != before


def test_a_run_whose_history_cannot_be_read_ends_and_says_why(home: Home, tmp_path: Path) -> None:
    poem = tmp_path / "poem.txt"
    poem.write_text("O rose, thou art sick!")
    before = home.processes()
    done = home.run("run", str(poem), "--exit-when-done")
    assert done.returncode == EXIT_ERROR
    assert "poem.txt" in done.stderr
    assert home.processes() == before  # it is looked at before anything is started


def test_what_was_killed_while_it_started_is_found_and_stopped(a_home: AHome) -> None:
    home = a_home()
    starting = home.begin("up")
    wait_until((home.folder / "servers.json").exists, bool)
    starting.kill()
    starting.wait()
    assert home.run("down").returncode == 0
    wait_until(home.processes, lambda left: not left)


def test_a_server_whose_starter_was_killed_before_remembering_it_is_stopped(a_home: AHome) -> None:
    home = a_home()
    assert home.run("up").returncode == 0
    (home.folder / "servers.json").unlink()
    assert home.run("down").returncode == 0
    wait_until(home.processes, lambda left: not left)
